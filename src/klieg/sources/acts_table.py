"""Tables of acts: who liked, followed, voted on, rated or reported what, and when.

The generic one is any CSV, TSV, JSON lines, JSON or Parquet whose columns say what they are; a
platform's own has a fixed header (``acts_format``). Acts go to the desk, so such a table gives no
posts. The room knows columns; which files there are is for others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import InputError
from klieg.sockets import Input
from klieg.sources import columnar, times
from klieg.sources.acts import UNDONE, WORDS
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.frames import Frame, identifiers, words
from klieg.sources.names import ALIASES as OF_POSTS
from klieg.sources.peek import Peek, plain_name
from klieg.sources.tabular import Derive
from klieg.tables import ACTS, POSTS, Reject

__all__ = ["ALIASES", "acts_format", "named", "source"]

ALIASES: Mapping[str, str] = {
    "act": "act act_type action action_type reaction reaction_type interaction interaction_type"
    " engagement engagement_type event event_type kind type verb",
    "account_id": "account_id user_id userid actor_id actor actor_did did from_id rater_id voter_id"
    " liker_id follower_id reporter_id rater_participant_id author_id account user username"
    " handle screen_name voter rater",
    "object_id": "object_id object target_id target post_id tweet_id status_id item_id note_id"
    " subject_uri subject subject_id uri message_id comment_id content_id",
    "time": "time created_at timestamp date datetime liked_at followed_at voted_at rated_at"
    " reported_at acted_at time_us event_time created_at_millis createdatmillis created_utc"
    " timestamp_utc occurred_at epoch unix_time",
    "value": "value vote direction rating score level helpfulness_level sign vote_type reason",
    "object_account": "object_account object_account_id object_author object_author_id"
    " target_account target_account_id post_author post_author_id author_of_object",
    "act_id": "act_id action_id event_id like_id reaction_id vote_id rating_id",
    "platform": OF_POSTS["platform"].replace("|", " "),
    "collection": "collection corpus dataset_name",
}
"""Aliases of each field of an act, in order of trust."""

IMPLIED: Mapping[str, str] = {
    **dict.fromkeys(("liked_post_id", "liked_tweet_id", "liked_id", "liked_uri"), "like"),
    **dict.fromkeys(("favorited_id", "favourited_id", "favorited_tweet_id"), "like"),
    **dict.fromkeys(("followed_id", "followee_id", "followed_account_id", "followed"), "follow"),
    **dict.fromkeys(("blocked_id", "blocked_account_id"), "block"),
    **dict.fromkeys(("voted_post_id", "voted_id"), "vote"),
    **dict.fromkeys(("rated_id", "rated_note_id", "rated_post_id"), "rating"),
    **dict.fromkeys(("reported_id", "reported_post_id", "reported_account_id"), "report"),
}
"""Columns of objects that say by their name what was done to them."""

_PLAIN = {f: [plain_name(w) for w in told.split()] for f, told in ALIASES.items()}
_IMPLIED = {plain_name(w): act for w, act in IMPLIED.items()}
_TELLING = {plain_name(w) for w in ALIASES["act"].split()[:9]}  # no table of posts has these
_WRITTEN = {plain_name(w) for f in ("text", "urls", "hashtags") for w in OF_POSTS[f].split()}
_WORD = r"^[a-z][a-z0-9_]{0,31}$"
_VOTES = {"upvote": ("vote", "up"), "downvote": ("vote", "down")}


def acts_format(
    name: str,
    required: Sequence[str],
    mapping: Mapping[str, str],
    samples: tuple[bytes, ...],
    *,
    act: str,
    platform: str,
    derive: Derive | None = None,
    reads: Sequence[str] = (),
) -> Format:
    """A table of one kind of act, known by its header: ``mapping`` is field → column.

    ``derive`` sees the columns of the mapping and those of ``reads``, and may add some.
    """
    known = {*mapping.values(), *reads}

    def recognised(shape: Peek) -> float:
        return 0.9 if shape.kind in {"csv", "parquet"} and shape.has(*required) else 0.0

    def read(load: Load, source: Input, user: Mapping[str, str], desk: Desk) -> None:
        frame = load(source, lambda columns: [c for c in columns if c in known], desk)
        frame = derive(frame, desk) if derive and frame.table.column_names else frame
        there = set(frame.table.column_names)
        chosen = {f: c for f, c in mapping.items() if c in there}
        _hand_over(frame, chosen, act, source.name, desk, platform=platform)

    return _format(name, recognised, read, samples)


Load = Callable[[Input, Callable[[Sequence[str]], list[str]], Desk], Frame]
_Read = Callable[[Load, Input, Mapping[str, str], Desk], None]


def named(table: pa.Table, mapping: Mapping[str, str] | None = None) -> pa.Table:
    """A table of acts under any known column names as ACTS; InputError if a row is none."""
    refused: list[Reject] = []
    desk = Desk("(acts)", refused.append)
    frame = Frame(table, pa.array(np.arange(1, table.num_rows + 1)), "(acts)")
    chosen, act = _chosen(frame, dict(mapping or {}), "(acts)", desk)
    _hand_over(frame, chosen, act, "(acts)", desk)
    if refused:
        first = refused[0]
        raise InputError(
            f"{len(refused):,} of {table.num_rows:,} acts cannot be read: {first.reason} in row "
            f"{first.line}",
            path="(acts)",
            column=first.column,
        )
    return pa.Table.from_batches(desk.acts, ACTS)


def _format(
    name: str, recognised: Callable[[Peek], float], read: _Read, samples: tuple[bytes, ...]
) -> Format:
    def reader(source: Input, user: Mapping[str, str], desk: Desk) -> Iterator[pa.RecordBatch]:
        read(columnar.load, source, user, desk)
        yield from ()

    def sampler(source: Input, user: Mapping[str, str], desk: Desk) -> pa.Table:
        read(columnar.head, source, user, desk)
        return POSTS.empty_table()

    return Format(name, recognised, reader, samples, sampler)


# --- which column is which -----------------------------------------------------------------------


def _recognised(shape: Peek) -> float:
    """A table that says who did what to what when, and has no words of its own."""
    plain = {plain_name(c) for c in shape.columns}
    if plain & _WRITTEN - {"status", "post", "comment"}:
        return 0.0
    acted = bool(plain & _TELLING) and bool(plain & {*_PLAIN["object_id"]})
    if not acted and not plain & {*_IMPLIED}:
        return 0.0
    whole = all(plain & {*_PLAIN[f]} for f in ("account_id", "time"))
    return 0.85 if whole else 0.0


def _wanted(columns: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    every = {name for names in _PLAIN.values() for name in names} | {*_IMPLIED}
    return [c for c in columns if plain_name(c) in every or c in mapping.values()]


def _chosen(
    frame: Frame, mapping: Mapping[str, str], path: str, desk: Desk
) -> tuple[dict[str, str], str]:
    """The column of each field, and the act where no column says it."""
    columns = frame.table.column_names
    chosen, act = _mapped(mapping, columns, path)
    for field, names in _PLAIN.items():
        rank = {name: i for i, name in enumerate(names)}
        found = [c for c in columns if plain_name(c) in rank and c not in chosen.values()]
        if field == "object_id":
            found = [c for c in columns if plain_name(c) in _IMPLIED] or found
        filled = {c: 1 - frame.table.column(c).null_count / max(len(frame.row), 1) for c in found}
        found.sort(key=lambda c: (-round(filled[c], 2), rank.get(plain_name(c), -1), c))
        if found and field not in chosen:
            chosen[field] = found[0]
            desk.losers.extend(f"{field}: {found[0]} rather than {c}" for c in found[1:])
    act = act or _IMPLIED.get(plain_name(chosen.get("object_id", "")), "")
    missing = [f for f in ("account_id", "object_id", "time") if f not in chosen]
    if "act" not in chosen and not act:
        missing.append("act")
    if missing:
        raise InputError(
            f"no column for {' and '.join(missing)} of an act. The columns are: "
            f"{', '.join(columns[:60]) or 'none'}. Name them "
            + ", ".join(f"--map {f}=COLUMN" for f in missing)
            + "; --map object_id:like=COLUMN says that every row is a like of what stands there",
            path=path,
        )
    return chosen, act


def _mapped(
    mapping: Mapping[str, str], columns: Sequence[str], path: str
) -> tuple[dict[str, str], str]:
    chosen, act = dict[str, str](), ""
    for given, column in mapping.items():
        field, _, rest = given.partition(":")
        if column not in columns:
            near = get_close_matches(column, columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise InputError(
                f"--map {given}={column} names no column{hint} The columns are: "
                f"{', '.join(list(columns)[:60])}",
                path=path,
            )
        if field not in ALIASES or (rest and field not in {"object_id", "time"}):
            raise InputError(
                f"--map {given}={column}: acts have no field {given!r}. Fields are "
                + ", ".join(ALIASES),
                path=path,
            )
        chosen[given if field == "time" and rest else field] = column
        act = rest if field == "object_id" and rest else act
    return chosen, act


def _read(load: Load, source: Input, user: Mapping[str, str], desk: Desk) -> None:
    frame = load(source, lambda columns: _wanted(columns, user), desk)
    if not frame.table.column_names and not len(frame.row) and desk.rejected:
        return  # nothing but bad rows: they are the message
    chosen, act = _chosen(frame, user, source.name, desk)
    asked = any(f.partition(":")[0] == "time" for f in user)
    _hand_over(frame, chosen, act, source.name, desk, asked=asked)


# --- rows ----------------------------------------------------------------------------------------


def _hand_over(
    frame: Frame,
    chosen: Mapping[str, str],
    act: str,
    path: str,
    desk: Desk,
    *,
    platform: str | None = None,
    asked: bool = False,
) -> None:
    """Build acts of a frame's rows for the desk; those that are none are told to it.

    ``asked``: the column of times is the user's word, even if it looks like a crawl's stamp.
    """
    n = frame.table.num_rows
    order = next((f.partition(":")[2] for f in chosen if f.startswith("time:")), None)
    told = {f.partition(":")[0]: c for f, c in chosen.items()}
    desk.mapping.update(told)
    stamps = _stamps(frame, told["time"], order, path, asked=asked)
    out: dict[str, Any] = {
        f: identifiers(_column(frame, told, f), n)[0]
        for f in ("account_id", "object_id", "object_account", "act_id")
    }
    out["act"], way = _acts(_column(frame, told, "act"), act, n)
    out["value"] = pc.coalesce(words(_column(frame, told, "value"), n), way)
    own = words(_column(frame, told, "platform"), n)
    out["platform"] = pc.utf8_lower(pc.coalesce(own, pa.scalar((platform or "unknown").lower())))
    out["collection"] = words(_column(frame, told, "collection"), n)
    out["time"] = pa.array(stamps.us).cast(ACTS.field("time").type)
    ticks = times.settle(stamps.us, stamps.resolution, np.zeros(n, np.int64))
    out["resolution"] = pa.array(ticks.astype(np.int32))
    out["source_file"], out["source_row"] = pa.repeat(frame.file, n), frame.row
    keep = _sifted(frame, told, out, stamps, desk)
    table = pa.Table.from_arrays([out[f.name] for f in ACTS], schema=ACTS)
    for batch in table.filter(pa.array(keep)).to_batches():
        desk.act(batch)


def _column(frame: Frame, told: Mapping[str, str], field: str) -> Any:
    return frame.table.column(told[field]) if field in told else None


def _stamps(frame: Frame, name: str, order: str | None, path: str, *, asked: bool) -> times.Times:
    stamps = times.parse(frame.table.column(name), name=name, path=path, order=order)
    if times.is_crawl(stamps) and not asked:
        raise InputError(
            "most rows share one time: the stamp of a crawl, not of the acts. Lists of who liked "
            "or follows what, without when, cannot be read as acts",
            path=path,
            column=name,
        )
    return stamps


def _acts(column: Any, act: str, n: int) -> tuple[Any, Any]:
    """(n,) the word for each row's act, null where it is none, and which way it went, if it says.

    ``Liked`` is a like, ``upvote`` a vote up.
    """
    if column is None:
        return pa.array([WORDS.get(act, act)] * n, pa.string()), pa.nulls(n, pa.string())
    coded = words(column, n).dictionary_encode()
    plain = [
        w.lower().strip().replace("-", "_").replace(" ", "_") for w in coded.dictionary.to_pylist()
    ]
    told = [_VOTES.get(w, (WORDS.get(w, w), None)) for w in plain]
    named_, ways = [a for a, _ in told], [v for _, v in told]
    known = pa.array(named_, pa.string())
    known = pc.if_else(pc.match_substring_regex(known, _WORD), known, None)
    return known.take(coded.indices), pa.array(ways, pa.string()).take(coded.indices)


def _sifted(
    frame: Frame, told: Mapping[str, str], out: Mapping[str, Any], stamps: times.Times, desk: Desk
) -> Any:
    """(n,) which rows are acts; the others go to the desk with the column and value at fault."""
    keep = np.ones(frame.table.num_rows, np.bool_)
    bad = {
        ("account_id", "no_account"): np.asarray(out["account_id"].is_null()),
        ("object_id", "no_object"): np.asarray(out["object_id"].is_null()),
        ("act", "no_act"): np.asarray(out["act"].is_null()),
        ("time", "no_readable_time"): ~stamps.ok,
    }
    for (field, reason), rows in bad.items():
        column = told.get(field)
        for i in np.flatnonzero(rows & keep).tolist():
            value = None if column is None else frame.table.column(column)[i].as_py()
            shown = None if value is None else str(value)
            desk(Reject(desk.name, frame.row[i].as_py(), column, shown, reason))
        keep &= ~rows
    return keep


_SAMPLES = (
    b"account_id,act,object_id,time\n"
    b"ada,like,p1,2024-05-01T10:00:00Z\n"
    b"bob,like,p1,2024-05-01T10:00:07Z\n"
    b"bob,follow,ada,2024-05-01T10:00:09Z\n",
    b'{"user_id":"7","action":"upvote","target_id":"p1","created_at":1714557600}\n'
    b'{"user_id":"8","action":"downvote","target_id":"p1","created_at":1714557605}\n',
)

source = _format("acts", _recognised, _read, _SAMPLES)

assert not {*UNDONE} & {*WORDS}, "a word cannot do and undo"
