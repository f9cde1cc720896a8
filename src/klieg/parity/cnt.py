"""The coordination-network-toolkit's six networks: the same links, weighed message by message.

w(A → B) is the number of distinct messages of A with at least one matching message of B in the
window. Where the toolkit errs klieg differs, and says so if the input has such rows: links of
linkless posts, URLs of rows that it drops, texts without a token. The room knows the toolkit's
rules, not how acts are counted nor what a file looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.engine.similar_acts import similar_acts
from klieg.parity.arrow import numbers
from klieg.parity.edges import DIRECTED, LikeNetwork, ranked
from klieg.parity.intern import Names
from klieg.parity.messages import Messages, read_messages
from klieg.parity.spans import Acts, meetings
from klieg.parity.wording import cleaned, token_sets

if TYPE_CHECKING:
    from klieg.parity.reading import Sheet
    from klieg.sockets import Engine, Executor
    from klieg.tables import I32, I64, ActEdges

__all__ = ["cnt_network"]


def cnt_network(
    sheets: Sequence[Sheet],
    network: str,
    *,
    window: float,
    min_weight: int,
    similarity: float,
    engine: Engine,
    executor: Executor,
    threads: int,
) -> LikeNetwork:
    """The directed network of these inputs; InputError for a column that is not there."""
    rows = read_messages(sheets, network)
    notes: list[str] = []
    if network == "co_link":
        acts = _links(rows, window, notes)
    elif network == "co_tweet":
        acts = _acts(rows, cleaned(rows.things)[rows.thing])
    elif network == "co_similar_tweet":
        acts = _acts(rows, np.zeros_like(rows.thing))
    else:
        acts = _acts(rows, rows.thing)
    met = meetings(acts, window, difference=False)
    account, names = ranked(met.account, rows.accounts)
    every = np.ones(len(account), np.bool_)
    if network == "co_similar_tweet" and similarity > 0.0:
        codes, sets = token_sets(rows.things)
        wordless = np.diff(sets.starts)[codes[rows.thing]] == 0
        compared = np.bincount(rows.account)[rows.account] >= min_weight
        blank = int((wordless & compared & ~np.isnan(rows.time)).sum())
        if blank:
            notes.append(
                f"{blank:,} posts hold no word; the toolkit compares each with itself, divides by "
                "zero and stops, klieg takes them as like nothing"
            )
        texts = codes[rows.thing][met.row]

    def count() -> Iterator[ActEdges]:
        if network == "co_similar_tweet" and similarity > 0.0:
            return similar_acts(
                *(account, texts, met.lo, met.hi, sets, similarity, len(names), min_weight),
                threads=threads,
                executor=executor,
            )
        columns = (account, met.post, met.tick, met.lo, met.hi, every)
        return engine.count_acts(*columns, len(names), min_weight, True, threads)

    return LikeNetwork("cnt", network, DIRECTED, names, count, pairs=met.pairs, notes=tuple(notes))


def _acts(rows: Messages, thing: I32) -> Acts:
    return Acts(rows.account, rows.post, thing, rows.time)


def _links(rows: Messages, window: float, notes: list[str]) -> Acts:
    """One act a link of a message; empty links and the rows that are dropped give none."""
    first = _first_rows(rows)
    same_row = (rows.account == rows.account[first]) & (rows.time == rows.time[first])
    mine = rows.first | (rows.event & same_row)
    # the toolkit would count links that the message's first row has not; a repost has none
    ghosts = ~mine & ((rows.thing != rows.thing[first]) | ~rows.first[first])
    texts, link, links = _split(rows.things)
    row, url = _exploded(rows.thing, texts, link)
    void = links.code(b"")
    dropped = ghosts[row] & (url != void)
    if dropped.any():
        notes.append(
            f"{len(np.unique(row[dropped])):,} rows repeat a message_id and carry other URLs; the "
            "toolkit drops the rows but counts their URLs under their own user, klieg does not"
        )
    _tell_linkless(rows, row[url == void], window, notes)
    keep = mine[row] & (url != void)
    row, url = row[keep], url[keep]
    return Acts(rows.account[row], rows.post[row], url, rows.time[row])


def _tell_linkless(rows: Messages, row: I64, window: float, notes: list[str]) -> None:
    """A note if these rows, each with an empty link, would give the toolkit an edge."""
    # it keeps the first such row of a message, be it one whose message it drops
    row = row[np.unique(rows.post[row], return_index=True)[1]]
    acts = Acts(rows.account[row], rows.post[row], np.zeros(len(row), np.int32), rows.time[row])
    met = meetings(acts, window, difference=False)
    if len(np.unique(met.account)) > 1:
        notes.append(
            f"{len(met.post):,} posts have no URL (or one space too many); the toolkit takes that "
            "for a URL they share, klieg makes no edge of it"
        )


def _first_rows(rows: Messages) -> I64:
    """(n,) the first row looked at of each row's message."""
    first = np.zeros(int(rows.post.max(initial=-1)) + 1, np.int64)
    first[rows.post[::-1]] = np.arange(len(rows.post))[::-1]
    return first[rows.post]


def _split(things: Names) -> tuple[I64, I32, Names]:
    """Of each urls cell: where its links begin, the code of each link, and the links."""
    links = Names(things.size)
    parts = pc.split_pattern(things.strings().cast(pa.large_string()), " ")
    starts = numbers(parts.offsets, np.int32).astype(np.int64)
    return starts, links.codes(parts.values.cast(pa.large_binary())), links


def _exploded(thing: I32, starts: I64, link: I32) -> tuple[I64, I32]:
    """Row and link of every link of every row."""
    sizes = np.diff(starts)[thing]
    row = np.repeat(np.arange(len(thing)), sizes)
    within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return row, link[np.repeat(starts[thing], sizes) + within]
