"""What a signal promises: the same actions whatever the order, names, weeks, chunks or threads.

Every check runs over the plugin's own examples in company (``worlds.mingled``). The room knows what
actions must look like, not what any trace is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg import evidence
from klieg.config import Config
from klieg.contracts.promise import Check, ContractBroken, Plugin, expect
from klieg.contracts.worlds import company, mingled, renamed
from klieg.sockets import Signal, make, silent
from klieg.sources import assemble
from klieg.tables import ACTS, POSTS, SECOND, Actions

if TYPE_CHECKING:
    from klieg.tables import Posts

__all__ = ["CHECKS", "account_names", "row_order", "weeks"]

FIELDS = ("accounts", "objects", "window", "times")
WEEK = 7 * 86_400 * SECOND
_COLUMNS = {"account": "i4", "object": "i4", "time": "i8", "post": "i8", "target": "i4"}


# --- making and comparing ------------------------------------------------------------------------


def _made(plugin: Plugin, *, threads: int = 1, engine: str = "cpu") -> Signal:
    config = Config(threads=threads, engine=engine)
    made: Signal = plugin.made(config, engine=make("engines", engine, config), progress=silent)
    return made


def _table(plugin: Plugin) -> pa.Table:
    return mingled(_made(plugin).examples())


def _posts(*tables: pa.Table) -> Posts:
    acted = any("act" in table.column_names for table in tables)
    return assemble([*tables, company()] if acted else tables)[0]


def _acts(plugin: Plugin, *tables: pa.Table) -> tuple[Posts, Actions]:
    posts = _posts(*(tables or (_table(plugin),)))
    return posts, _made(plugin).actions(posts)


def _same(one: Actions, two: Actions, when: str, *, names: bool = True) -> None:
    """Expect equal actions; with ``names=False`` labels may differ, their number may not."""
    for column in _COLUMNS:
        a, b = getattr(one, column), getattr(two, column)
        expect(
            np.array_equal(a, b),
            f"{when}, the same actions should come out; `{column}` differs: "
            f"{a[:6].tolist()}… and {b[:6].tolist()}… ({len(a)} and {len(b)} rows)",
        )
    for column in ("labels", "target_labels"):
        a, b = getattr(one, column), getattr(two, column)
        same = a.equals(b) if names else len(a) == len(b)
        expect(same, f"{when}, `{column}` should stay as they are: {a[:3]} and {b[:3]}")
    expect(one.n_accounts == two.n_accounts, f"{when}, `n_accounts` should stay the same")


# --- words ---------------------------------------------------------------------------------------


def _named(plugin: Plugin) -> None:
    signal = _made(plugin)
    expect(
        signal.name == plugin.name,
        f"`name` should be the name it is registered under, {plugin.name!r}; it is {signal.name!r}",
    )
    for field in ("version", "sentence"):
        value = getattr(signal, field, None)
        expect(
            isinstance(value, str) and value.strip(),
            f"`{field}` should be a string that is not empty; it is {value!r}",
        )


def _sentence(plugin: Plugin) -> None:
    sentence = _made(plugin).sentence
    used = {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}
    expect(
        used <= set(FIELDS),
        f"the sentence may use {', '.join(FIELDS)}; it also uses {sorted(used - set(FIELDS))}",
    )
    needed = {"accounts", "objects"} - used
    expect(not needed, f"the sentence should say how many {' and '.join(sorted(needed))}")
    expect(sentence.endswith("."), f"the sentence should end with a full stop: {sentence!r}")


def _examples(plugin: Plugin) -> None:
    signal = _made(plugin)
    tables = list(signal.examples())
    expect(tables, "examples() should hold at least one table of posts, or of acts")
    for i, table in enumerate(tables):
        expect(
            isinstance(table, pa.Table) and table.schema in (POSTS, ACTS),
            f"example {i} should be an Arrow table with exactly the columns of klieg.tables.POSTS, "
            "or of ACTS",
        )
        actions = signal.actions(_posts(table))
        pairs = np.unique(np.stack([actions.object, actions.account]), axis=1)
        together = np.bincount(pairs[0]).max(initial=0)
        expect(
            together >= 2,
            f"example {i} should carry the trace: two accounts or more on one object; "
            f"{together} it is",
        )


# --- shape ---------------------------------------------------------------------------------------


def _well_formed(signal: Signal, posts: Posts, actions: Actions) -> None:
    """Types, lengths and ranges of every column."""
    expect(isinstance(actions, Actions), "actions() should return klieg.tables.Actions")
    expect(
        actions.signal == signal.name,
        f"`signal` should be the signal's name {signal.name!r}; it is {actions.signal!r}",
    )
    for column, kind in _COLUMNS.items():
        values = getattr(actions, column)
        expect(
            isinstance(values, np.ndarray) and values.dtype == np.dtype(kind),
            f"`{column}` should be {np.dtype(kind).name}; it is {getattr(values, 'dtype', values)}",
        )
        expect(
            values.shape == (actions.n,),
            f"`{column}` should have one entry an action, ({actions.n},); it has {values.shape}",
        )
    expect(
        actions.n_accounts == posts.n_accounts,
        f"`n_accounts` should be the posts' {posts.n_accounts}; it is {actions.n_accounts}",
    )
    for column, top, low in (
        ("account", posts.n_accounts, 0),
        ("object", actions.n_objects, 0),
        ("post", evidence.size(posts), 0),
        ("target", len(actions.target_labels), -1),
    ):
        values = getattr(actions, column)
        good = not len(values) or (values.min() >= low and values.max() < top)
        expect(good, f"`{column}` should lie in {low} … {top - 1}; it does not: {values[:6]}")
    for column in ("labels", "target_labels"):
        labels = getattr(actions, column)
        expect(
            isinstance(labels, pa.Array) and pa.types.is_string(labels.type),
            f"`{column}` should be an Arrow array of strings; it is {type(labels).__name__}",
        )


def _shape(plugin: Plugin) -> None:
    signal = _made(plugin)
    for table in (_table(plugin), *signal.examples()):
        posts = _posts(table)
        _well_formed(signal, posts, signal.actions(posts))


def _post_order(plugin: Plugin) -> None:
    _, actions = _acts(plugin)
    steps = np.diff(actions.post)
    expect((steps != 0).all(), "a post should give one act at most; some give several")
    expect((steps > 0).all(), "actions should stand in the order of the posts; they do not")


def _numbering(plugin: Plugin) -> None:
    _, actions = _acts(plugin)
    used, first = np.unique(actions.object, return_index=True)
    expect(
        len(used) == actions.n_objects,
        f"every object should be acted on: {actions.n_objects} labels, {len(used)} objects in use",
    )
    expect(
        (np.diff(first) > 0).all(),
        "objects should be numbered by first appearance; they are not, so their numbers may "
        "depend on something else than the posts",
    )
    pairs = np.unique(np.stack([actions.object, actions.target]), axis=1)
    expect(
        pairs.shape[1] == actions.n_objects,
        "an object should have one target (an author or a site) or none; some have several",
    )


def _explained(plugin: Plugin) -> None:
    posts, actions = _acts(plugin)
    expect(
        np.array_equal(actions.account, evidence.accounts(posts)[actions.post]),
        "every act should be its post's account's; `account` is not `posts.account[post]`",
    )
    expect(
        np.array_equal(actions.time, evidence.times(posts)[actions.post]),
        "every act should happen when its post does; `time` is not `posts.time[post]`",
    )
    for column in ("labels", "target_labels"):
        labels = getattr(actions, column)
        bare = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(labels), ""), True)
        expect(
            not pc.any(bare).as_py(),
            f"every entry of `{column}` should be words a reader can look for; some are empty",
        )


# --- what must change nothing --------------------------------------------------------------------


def _empty(plugin: Plugin) -> None:
    posts, actions = _acts(plugin, POSTS.empty_table())
    _well_formed(_made(plugin), posts, actions)
    expect(
        actions.n == actions.n_objects == len(actions.target_labels) == 0,
        f"no posts should give no actions and no labels; they give {actions.n} actions and "
        f"{actions.n_objects} labels",
    )


def _absent(plugin: Plugin) -> None:
    """Each column that may be null is, one after another; then all of them are."""
    signal, table = _made(plugin), _table(plugin)
    optional = [field.name for field in table.schema if field.nullable]
    for names in (*([name] for name in optional), optional):
        bare = table
        for name in names:
            at = table.schema.get_field_index(name)
            empty = pa.nulls(table.num_rows, table.schema.field(at).type)
            bare = bare.set_column(at, table.schema.field(at), empty)
        posts = _posts(bare)
        try:
            actions = signal.actions(posts)
        except Exception as error:
            what = names[0] if len(names) == 1 else "anything but who and when"
            raise ContractBroken(
                f"posts without {what} should be no error; it raised {error!r}"
            ) from error
        _well_formed(signal, posts, actions)


def _deterministic(plugin: Plugin) -> None:
    posts, first = _acts(plugin)
    signal = _made(plugin)
    _same(first, signal.actions(posts), "from a second signal of the same configuration")
    _same(first, signal.actions(posts), "asked twice")


def _posts_unchanged(plugin: Plugin) -> None:
    posts = _posts(_table(plugin))
    before = posts.account.copy(), posts.time.copy()
    _made(plugin).actions(posts)
    kept = np.array_equal(before[0], posts.account) and np.array_equal(before[1], posts.time)
    expect(kept, "the posts should stay as they were handed over; actions() wrote into them")


def _numbered(table: pa.Table) -> pa.Table:
    """The same posts as they would lie in a file: their rows numbered as they stand."""
    at = table.schema.get_field_index("source_row")
    rows = pa.array(np.arange(1, table.num_rows + 1))
    return table.set_column(at, table.schema.field(at), rows)


def row_order(plugin: Plugin, *, seeds: Iterable[int] = range(3)) -> None:
    """The order and the split of the input change nothing, even where posts have no ids."""
    whole = _table(plugin)
    own = "post_id" if "post_id" in whole.column_names else "act_id"
    for table in (whole, whole.drop_columns([own])):
        _, plain = _acts(plugin, _numbered(table))
        for seed in seeds:
            rng = np.random.default_rng(seed)
            moved = _numbered(table.take(pa.array(rng.permutation(table.num_rows))))
            cut = int(rng.integers(0, table.num_rows))
            parts = (moved,) if own not in table.column_names else (moved[cut:], moved[:cut])
            _, other = _acts(plugin, *parts)
            _same(plain, other, "with the input's rows in another order")


def account_names(plugin: Plugin, *, seeds: Iterable[int] = range(3)) -> None:
    """The names of accounts change nothing."""
    table = _table(plugin)
    _, plain = _acts(plugin, table)
    for seed in seeds:
        _, other = _acts(plugin, renamed(table, seed))
        _same(plain, other, "with accounts under other names", names=False)


def weeks(plugin: Plugin, *, shifts: Iterable[int] = (1, -7, 300)) -> None:
    """Whole weeks earlier or later change nothing but the times."""
    table = _table(plugin)
    _, plain = _acts(plugin, table)
    at = table.schema.get_field_index("time")
    time = table.column(at).cast(pa.int64())
    for shift in shifts:
        moved = pc.add(time, shift * WEEK).cast(table.schema.field(at).type)
        _, other = _acts(plugin, table.set_column(at, table.schema.field(at), moved))
        back = replace(other, time=other.time - shift * WEEK)
        _same(plain, back, f"{shift} whole weeks later")


def _chunks(plugin: Plugin) -> None:
    posts, plain = _acts(plugin)
    table = posts.table
    for size in (1, 3):
        pieces = [table.slice(i, size) for i in range(0, table.num_rows, size)]
        split = replace(posts, table=pa.concat_tables(pieces))
        if posts.acts is not None:
            done = posts.acts.table
            cut = [done.slice(i, size) for i in range(0, done.num_rows, size)]
            split = replace(split, acts=replace(posts.acts, table=pa.concat_tables(cut)))
        _same(plain, _made(plugin).actions(split), f"with Arrow columns in chunks of {size}")


def _engines(plugin: Plugin) -> None:
    posts, plain = _acts(plugin)
    other = _made(plugin, engine="reference").actions(posts)
    _same(plain, other, "with the reference engine")


def _threads(plugin: Plugin) -> None:
    posts, plain = _acts(plugin)
    _same(plain, _made(plugin, threads=3).actions(posts), "with three threads")


CHECKS = (
    Check("named", "It has the name it is registered under, a version and a sentence.", _named),
    Check("sentence", f"Its sentence uses no fields but {', '.join(FIELDS)}.", _sentence),
    Check("examples", "Its examples are POSTS (or ACTS) that carry the trace.", _examples),
    Check("shape", "Columns have the types, lengths and ranges of Actions.", _shape),
    Check("post_order", "Actions stand in post order, at most one a post.", _post_order),
    Check("numbering", "Objects are numbered by first appearance, none unused.", _numbering),
    Check(
        "explained", "Every act is its post's account's at its post's time, labelled.", _explained
    ),
    Check("empty", "No posts give no actions.", _empty),
    Check("absent", "A column that is all null is no error.", _absent),
    Check("deterministic", "The same posts give the same actions.", _deterministic),
    Check("posts_unchanged", "The posts are not written to.", _posts_unchanged),
    Check("row_order", "The order and split of the input change nothing.", row_order),
    Check("account_names", "The names of accounts change nothing.", account_names),
    Check("weeks", "A shift by whole weeks changes the times only.", weeks),
    Check("chunks", "The chunks of Arrow columns change nothing.", _chunks),
    Check("engines", "Every engine gives the same actions.", _engines),
    Check("threads", "The number of threads changes nothing.", _threads),
)
"""Every promise of a signal that can be tried on its own examples."""
