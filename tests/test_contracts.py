"""Every registered plugin keeps every promise, and every promise can be broken.

The second half holds one broken plugin (or more) for each check: a check that none of them fails
would be no check. The examples of CONTRIBUTING.md run here as a stranger's plugins would.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg import contracts, sockets
from klieg.contracts import Check, ContractBroken, Plugin, checks, executors, signals
from klieg.contracts.promise import tried
from klieg.engine.executors import ThreadExecutor
from klieg.engine.reference import ReferenceEngine
from klieg.errors import ConfigError
from klieg.signals.acts import Shares, act, column
from klieg.sockets import factory, names
from klieg.sources.desk import desk_of
from klieg.sources.inputs import unpacked
from klieg.sources.rows import pack
from klieg.tables import POSTS, Actions, Posts, Reject

ROOT = Path(__file__).parents[1]
WORDS = ("bridge", "river", "town", "vote", "green", "council", "school", "road", "water", "hill")


def wording(k: int) -> str:
    order = np.random.default_rng(k).permutation(len(WORDS))[:9]
    return " ".join(WORDS[i] for i in order) + f" {k} {k * 7} {k * 13}"


def snowflake(time: int, *, before: int = 0) -> str:
    """The id X gives a post of that time (µs), or of some seconds earlier."""
    low = time // 7 % 2**22  # apart from other posts of the same millisecond
    return str((((time - before * 1_000_000) // 1000 - 1_288_834_974_657) << 22) + low)


CARRY: dict[str, Callable[[int], Mapping[str, object]]] = {
    "copies": lambda k: {"text": wording(k)},
    "domain": lambda k: {"urls": [f"https://site{k}.example/a"]},
    "fast_repost": lambda k: {
        "kind": "repost",
        "post_id": snowflake,
        "repost_of": functools.partial(snowflake, before=4),
        "repost_of_account": f"b{k}",
    },
    "follow": lambda k: {"act": "follow", "object_id": f"f{k}"},
    "hashtags": lambda k: {"hashtags": [f"a{k}", f"b{k}", f"c{k}"]},
    "image": lambda k: {"media": [{"type": "photo", "url": None, "phash": f"{k:016x}"}]},
    "like": lambda k: {"act": "like", "object_id": f"p{k}", "object_account": f"b{k % 40}"},
    "link": lambda k: {"urls": [f"https://site{k % 25}.example/story/{k}"]},
    "mention": lambda k: {"mentions": [f"m{k}"]},
    "object": lambda k: {"objects": [{"trace": "song", "id": f"s{k}"}]},
    "rating": lambda k: {"act": "rating", "object_id": f"n{k}", "value": ("up", "down")[k % 2]},
    "reaction": lambda k: {"act": "save", "object_id": f"p{k}", "object_account": f"b{k % 40}"},
    "reply": lambda k: {"kind": "reply", "reply_to": f"p{k}", "reply_to_account": f"b{k % 40}"},
    "report": lambda k: {"act": "report", "object_id": f"p{k}", "object_account": f"b{k % 40}"},
    "repost": lambda k: {"kind": "repost", "repost_of": f"p{k}", "repost_of_account": f"b{k % 40}"},
    "vote": lambda k: {"act": "vote", "object_id": f"p{k}", "value": "up"},
}


def registered() -> Iterator[Any]:
    for group in ("engines", "executors", "signals", "sources"):
        for name in names(group):
            carry = CARRY.get(name) if group == "signals" else None
            for check in checks(group, carry=carry):
                yield pytest.param(group, name, check, id=f"{group}-{name}-{check.name}")


@pytest.mark.parametrize(("group", "name", "check"), [*registered()])
def test_contracts_every_registered_plugin_keeps_every_promise(
    group: str, name: str, check: Check, request: pytest.FixtureRequest
) -> None:
    if (group, name) == ("executors", "ray"):
        import ray

        address = request.getfixturevalue("ray_address")
        ray.init(address, ignore_reinit_error=True, log_to_driver=False)  # else each starts its own
    check.trial(Plugin(group, name, factory(group, name)))


def test_contracts_every_signal_of_ours_is_tried_on_a_quiet_and_a_planted_world() -> None:
    # synchrony has no objects to carry: its worlds are in tests/signals/test_timing.py
    assert sorted([*CARRY, "synchrony"]) == names("signals")


FEW = settings(max_examples=4, deadline=None)


@pytest.mark.parametrize("name", names("signals"))
@FEW
@given(seed=st.integers(0, 2**31), shift=st.integers(-2_000, 2_000))
def test_contracts_signals_are_blind_to_order_names_and_weeks(
    name: str, seed: int, shift: int
) -> None:
    plugin = Plugin("signals", name, factory("signals", name))
    signals.row_order(plugin, seeds=[seed])
    signals.account_names(plugin, seeds=[seed])
    signals.weeks(plugin, shifts=[shift])


# --- broken signals ------------------------------------------------------------------------------


class Quotes:
    """A signal that keeps every promise: quoting the same post."""

    name, version = "quotes", "1"
    sentence = "These {accounts} accounts quoted the same {objects} posts."

    def __init__(self, config: Any, engine: Any) -> None:
        self.config, self.engine = config, engine

    def actions(self, posts: Posts) -> Actions:
        key = column(posts, "quote_of")
        rows = np.flatnonzero(key.is_valid().to_numpy(zero_copy_only=False))
        return self.of(posts, rows, key.drop_null())

    def of(self, posts: Posts, rows: Any, key: pa.Array) -> Actions:
        return act(self.name, posts, Shares(rows, key, key, key), repeats="never")

    def examples(self) -> list[pa.Table]:
        return [self.example("q1", "q2", "q1", "q1", "q2", "q3")]

    def example(self, *quoted: str) -> pa.Table:
        rows = [
            {"platform": "x", "post_id": f"q{i}", "account_id": f"a{i}", "quote_of": q, "time": i}
            for i, q in enumerate(quoted, 4)
        ]
        return pa.Table.from_pylist(rows, POSTS)


def kept_rows(actions: Actions, good: Any) -> Actions:
    """The actions of some rows, objects numbered anew."""
    columns = {c: getattr(actions, c)[good] for c in ("account", "time", "post", "target")}
    used, first, inverse = np.unique(actions.object[good], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first)).astype(np.int32)
    labels = actions.labels.take(pa.array(used[np.argsort(first)]))
    return replace(actions, **columns, object=rank[inverse], labels=labels)


def changed(change: Callable[[Any, Posts, Actions], Actions]) -> type[Quotes]:
    """A signal that does something to the right actions."""

    class Changed(Quotes):
        def actions(self, posts: Posts) -> Actions:
            return change(self, posts, super().actions(posts))

    return Changed


def having(**fields: Any) -> type[Quotes]:
    return type("Having", (Quotes,), fields)


def twice(a: Actions) -> Actions:
    rows = np.repeat(np.arange(a.n), 2)
    columns = ("account", "object", "time", "post", "target")
    return replace(a, **{c: getattr(a, c)[rows] for c in columns})


def backwards(a: Actions) -> Actions:
    columns = ("account", "object", "time", "post", "target")
    return replace(a, **{c: getattr(a, c)[::-1].copy() for c in columns})


def a_first_text(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    """Takes it that somebody said something."""
    assert column(posts, "text").drop_null()[0].as_py()
    return a


def grow(signal: Any, posts: Posts, a: Actions) -> Actions:
    posts.time[:] += 1
    return a


COUNTER = itertools.count()
QUARTER = 6 * 3_600_000_000  # of a day, in microseconds


def in_batches(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    """The first dozen accounts are read as a client that posts for all of them every six hours."""
    few, batch = a.account < 12, a.time // QUARTER
    quoted = a.labels.take(pa.array(a.object)).to_pylist()
    key = [f"batch {t}" if f else q for f, t, q in zip(few, batch, quoted, strict=True)]
    b = signal.of(posts, a.post, pa.array(key, pa.string()))
    return replace(b, time=np.where(b.account < 12, b.time // QUARTER * QUARTER, b.time))


def each_its_own(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    return signal.of(posts, a.post, pa.array([str(p) for p in a.post], pa.string()))


def by_row(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    rows = column(posts, "source_row").take(pa.array(a.post)).fill_null(0)
    return kept_rows(a, rows.to_numpy() % 2 == 0)


def by_name(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    initial = [i[-1] for i in posts.account_ids.take(pa.array(a.account)).to_pylist()]
    return kept_rows(a, np.array([i in "02468b" for i in initial], bool))


def by_week(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    return kept_rows(a, a.time // signals.WEEK % 2 == 0)


def first_chunk(signal: Quotes, posts: Posts, a: Actions) -> Actions:
    whole = posts.table.column("quote_of")
    return kept_rows(a, a.post < (len(whole.chunk(0)) if whole.num_chunks else 0))


WORSE: list[tuple[str, type[Quotes]]] = [
    ("named", having(name="other")),
    ("named", having(version="")),
    ("sentence", having(sentence="These {accounts} accounts did {objects} things with {wallet}.")),
    ("sentence", having(sentence="These accounts did it {times} times.")),
    ("sentence", having(sentence="These {accounts} accounts, {objects} things")),
    ("examples", having(examples=lambda self: [])),
    ("examples", having(examples=lambda self: [self.example("q1", "q2")])),
    ("examples", having(examples=lambda self: [self.example("q1", "q1").drop_columns("lang")])),
    ("shape", changed(lambda s, p, a: replace(a, account=a.account.astype(np.int64)))),
    ("shape", changed(lambda s, p, a: replace(a, target=a.target[1:]))),
    ("shape", changed(lambda s, p, a: replace(a, account=a.account + np.int32(p.n_accounts)))),
    ("shape", changed(lambda s, p, a: replace(a, signal="other"))),
    ("shape", changed(lambda s, p, a: replace(a, n_accounts=a.n_accounts + 1))),
    ("shape", changed(lambda s, p, a: replace(a, labels=a.labels.to_pylist()))),
    ("post_order", changed(lambda s, p, a: backwards(a))),
    ("post_order", changed(lambda s, p, a: twice(a))),
    (
        "numbering",
        changed(lambda s, p, a: replace(a, labels=pa.concat_arrays([a.labels, a.labels]))),
    ),
    ("numbering", changed(lambda s, p, a: replace(a, object=a.object.max(initial=0) - a.object))),
    (
        "numbering",
        changed(lambda s, p, a: replace(a, target=-(np.arange(a.n) % 2).astype(np.int32))),
    ),
    ("explained", changed(lambda s, p, a: replace(a, account=np.roll(a.account, 1)))),
    ("explained", changed(lambda s, p, a: replace(a, time=a.time + 1))),
    ("explained", changed(lambda s, p, a: replace(a, labels=pa.array([" "] * a.n_objects)))),
    ("empty", changed(lambda s, p, a: replace(a, labels=pa.array([*a.labels.to_pylist(), "x"])))),
    ("empty", changed(lambda s, p, a: replace(a, signal=s.name[a.post[0] * 0 :]))),
    ("absent", changed(a_first_text)),
    ("deterministic", changed(lambda s, p, a: kept_rows(a, np.arange(a.n) != next(COUNTER) % 3))),
    ("posts_unchanged", changed(grow)),
    ("row_order", changed(by_row)),
    ("account_names", changed(by_name)),
    ("weeks", changed(by_week)),
    ("chunks", changed(first_chunk)),
    ("engines", changed(lambda s, p, a: a if s.engine.name == "cpu" else backwards(a))),
    ("threads", changed(lambda s, p, a: a if s.config.threads < 2 else backwards(a))),
    ("quiet_world", changed(in_batches)),
    ("planted_world", changed(each_its_own)),
    ("planted_world", changed(lambda s, p, a: kept_rows(a, np.arange(a.n) % 9 == 0))),
]


def signal_of(kind: type[Quotes]) -> Plugin:
    return Plugin("signals", "quotes", lambda config, **ports: kind(config, ports["engine"]))


def quoting(k: int) -> Mapping[str, object]:
    return {"kind": "quote", "quote_of": f"p{k}"}


def outcome(group: str, check: str, plugin: Plugin) -> str | None:
    carry = quoting if group == "signals" else None
    return tried(next(c for c in checks(group, carry=carry) if c.name == check), plugin).broken


@pytest.mark.parametrize("check", checks("signals", carry=quoting), ids=lambda c: c.name)
def test_contracts_a_good_signal_passes(check: Check) -> None:
    check.trial(signal_of(Quotes))


@pytest.mark.parametrize(
    ("check", "kind"), WORSE, ids=[f"{i}-{n}" for i, (n, _) in enumerate(WORSE)]
)
def test_contracts_a_broken_signal_fails(check: str, kind: type[Quotes]) -> None:
    broken = outcome("signals", check, signal_of(kind))
    assert broken and len(broken) > 20


# --- broken sources ------------------------------------------------------------------------------


LINE = re.compile(r"(?P<time>\S+Z) <(?P<account_id>[^<>\s]+)> (?P<text>.+)")


class ChatLog:
    """A source that keeps every promise: lines such as ``2024-05-01T10:00:00Z <ada> hello``."""

    name = "chatlog"

    def sniff(self, head: bytes, name: str) -> float:
        return 0.95 if LINE.match(head.decode(errors="replace")) else 0.0

    def read(self, input: Any, mapping: object, reject: Any) -> Iterator[pa.RecordBatch]:  # noqa: A002
        desk = desk_of(reject, input.name)
        with unpacked(input, desk) as plain:
            yield from pack(
                self.posts(plain, desk), desk, file="log", platform="chat", resolution=1
            )

    def posts(self, plain: Any, desk: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        with plain.path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                if found := LINE.fullmatch(line.rstrip()):
                    yield number, found.groupdict()
                else:
                    self.refuse(Reject(plain.name, number, None, line, "not_a_line"), desk)

    def refuse(self, reject: Reject, desk: Any) -> None:
        desk(reject)

    def examples(self) -> list[Any]:
        return [b"2024-05-01T10:00:00Z <ada> hello\n2024-05-01T10:00:09Z <bob> hello to you\n"]


def source_of(**methods: Any) -> Plugin:
    kind = type("Changed", (ChatLog,), methods)
    return Plugin("sources", "chatlog", lambda config, **ports: kind())


def batches_changed(change: Callable[[pa.Table], pa.Table]) -> Callable[..., Any]:
    def read(self: ChatLog, input: Any, mapping: object, reject: Any) -> Any:  # noqa: A002
        whole = pa.Table.from_batches(ChatLog.read(self, input, mapping, reject), POSTS)
        table = change(whole).combine_chunks()
        return table.to_batches() or []

    return read


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = POSTS.get_field_index(name)
    return table.set_column(at, POSTS.field(at), values)


def blank_lang(table: pa.Table) -> pa.Table:
    return with_column(table, "lang", pa.repeat("", table.num_rows))


def blank_tags(table: pa.Table) -> pa.Table:
    tags = pa.array([["a", ""]] * table.num_rows, POSTS.field("hashtags").type)
    return with_column(table, "hashtags", tags)


def no_accounts(table: pa.Table) -> pa.Table:
    return with_column(table, "account_id", pa.nulls(table.num_rows, pa.string()))


def miscounted(self: ChatLog, input: Any, mapping: object, reject: Any) -> Any:  # noqa: A002
    yield from ChatLog.read(self, input, mapping, reject)
    if hasattr(reject, "rows"):
        reject.rows += 1


def strict(self: ChatLog, reject: Reject, desk: Any) -> None:
    raise ConfigError("line", reject.value, "a line of the log")


def packed(self: ChatLog, input: Any, mapping: object, reject: Any) -> Any:  # noqa: A002
    desk = desk_of(reject, input.name)
    return pack(self.posts(input, desk), desk, file="log", platform="chat", resolution=1)


def careless(self: ChatLog, head: bytes, name: str) -> float:
    return 0.95 if LINE.match(head.decode()) else 0.0


def whole_lines_only(self: ChatLog, plain: Any, desk: Any) -> Any:
    text = plain.path.read_bytes().decode(errors="replace")
    return ((i, LINE.fullmatch(t).groupdict()) for i, t in enumerate(text.split("\n")[:-1], 1))


def drop_last_word(table: pa.Table) -> pa.Table:
    return table.slice(0, table.num_rows - next(COUNTER) % 2)


WORSE_SOURCES: list[tuple[str, dict[str, Any]]] = [
    ("named", {"name": "other"}),
    ("examples", {"examples": lambda self: []}),
    ("examples", {"examples": lambda self: ["text"]}),
    ("examples", {"examples": lambda self: [*ChatLog().examples(), b"no line of it\n"]}),
    ("examples", {"read": batches_changed(lambda t: t.drop_columns("lang"))}),
    ("recognises", {"sniff": lambda self, head, name: 0.4}),
    ("recognises", {"sniff": lambda self, head, name: 95}),
    (
        "recognises",
        {"examples": lambda self: factory("sources", "coordnet")(None).examples()}
        | {"sniff": lambda self, head, name: 0.6},
    ),
    ("modest", {"sniff": lambda self, head, name: 0.99}),
    ("strangers", {"sniff": lambda self, head, name: 0.9 if head else 0.0}),
    ("strangers", {"sniff": careless}),
    ("posts", {"read": batches_changed(blank_lang)}),
    ("posts", {"read": batches_changed(blank_tags)}),
    ("posts", {"read": batches_changed(no_accounts)}),
    ("batches", {"read": batches_changed(lambda t: t)}),
    ("accounted", {"read": miscounted}),
    ("cut_short", {"posts": whole_lines_only}),
    ("broken_off", {"refuse": strict}),
    ("bad_rows", {"refuse": lambda self, reject, desk: None}),
    ("deterministic", {"read": batches_changed(drop_last_word)}),
    ("compressed", {"read": packed}),
]


@pytest.mark.parametrize("check", checks("sources"), ids=lambda c: c.name)
def test_contracts_a_good_source_passes(check: Check) -> None:
    check.trial(source_of())


@pytest.mark.parametrize(
    ("check", "methods"), WORSE_SOURCES, ids=[f"{i}-{n}" for i, (n, _) in enumerate(WORSE_SOURCES)]
)
def test_contracts_a_broken_source_fails(check: str, methods: dict[str, Any]) -> None:
    broken = outcome("sources", check, source_of(**methods))
    assert broken and len(broken) > 20


# --- broken engines ------------------------------------------------------------------------------


class Wrong:
    """The reference, one method of it replaced."""

    def __init__(self, name: str, method: str, instead: Callable[..., Any]) -> None:
        self.right, self.name = ReferenceEngine(), name
        self.method, self.instead = method, instead

    def __getattr__(self, method: str) -> Any:
        right = getattr(self.right, method)
        if method != self.method:
            return right
        return functools.partial(self.instead, right)


def more(right: Callable[..., Any], *args: Any) -> Any:
    """Every number one too many."""
    return right(*args) + 1


def slightly(right: Callable[..., Any], *args: Any) -> Any:
    return right(*args) * (1 + 1e-8)


def float_ids(right: Callable[..., Any], *args: Any) -> Any:
    return right(*args).astype(np.float64)


def not_empty(right: Callable[..., Any], *args: Any) -> Any:
    """No answer for nothing."""
    args[0][0]
    return right(*args)


def first_half(right: Callable[..., Any], *args: Any) -> Any:
    return tuple(part[: (len(part) + 1) // 2] for part in right(*args))


def without_crowd_rule(right: Callable[..., Any], starts: Any, values: Any, *rest: Any) -> Any:
    keep = min(len(starts) - 1, 200)
    return right(starts[: keep + 1], values[: starts[keep]], *rest)


def one_more_tile(right: Callable[..., Any], *args: Any) -> Any:
    tile, count = right(*args)
    return tile, count + 1


def exclusive(right: Callable[..., Any], object: Any, time: Any, windows: Any) -> Any:  # noqa: A002
    return right(object, time, windows - 1)


def late_first(right: Callable[..., Any], *args: Any) -> Any:
    counts = right(*args)
    return replace(counts, edges=replace(counts.edges, first=counts.edges.last))


def other_cap(right: Callable[..., Any], *args: Any) -> Any:
    return right(*args[:-2], None, args[-1])


def by_threads(right: Callable[..., Any], *args: Any) -> Any:
    edges = right(*args)
    return replace(edges, n=edges.capped) if args[-1] > 1 else edges


def sorted_in_place(right: Callable[..., Any], object: Any, *rest: Any) -> Any:  # noqa: A002
    found = right(object, *rest)
    object.sort()
    return found


def by_place(right: Callable[..., Any], *args: Any) -> Any:
    counts = right(*args)
    return replace(counts, dropped=counts.dropped + int(args[0][:1].sum()))


def weight_by_acts(right: Callable[..., Any], *args: Any) -> Any:
    """Every act a post of its own: a post's second act counts again."""
    account, post, *rest = args
    return right(account, np.arange(len(post), dtype=np.int32), *rest)


def without_anchor(right: Callable[..., Any], *args: Any) -> Any:
    return right(*args[:5], np.ones_like(args[5]), *args[6:])


class Backwards:
    """Batches in the wrong order."""

    def __init__(self, batches: Any) -> None:
        self.dropped, self.batches = batches.dropped, list(batches)

    def __iter__(self) -> Any:
        return reversed(self.batches)


def batches_backwards(right: Callable[..., Any], *args: Any) -> Any:
    return Backwards(right(*args))


def read_once(right: Callable[..., Any], *args: Any) -> Any:
    batches = right(*args)
    once = Backwards(batches)
    once.__class__ = type("Once", (Backwards,), {"__iter__": lambda self: rest})
    rest = iter(once.batches)
    return once


WORSE_ENGINES: list[tuple[str, str, Callable[..., Any]]] = [
    ("by_hand", "occupancy", more),
    ("occupancy", "occupancy", exclusive),
    ("occupancy", "occupancy", float_ids),
    ("occupancy", "occupancy", not_empty),
    ("pair_totals", "pair_totals", more),
    ("count_pairs", "count_pairs", late_first),
    ("count_pairs", "count_pairs", other_cap),
    ("rescore_pairs", "rescore_pairs", by_threads),
    ("row_order", "count_pairs", by_place),
    ("chunked", "pair_batches", batches_backwards),
    ("chunked", "pair_batches", read_once),
    ("inputs_unchanged", "occupancy", sorted_in_place),
    ("act_company", "act_company", more),
    ("act_company", "act_company", weight_by_acts),
    ("count_acts", "count_acts", weight_by_acts),
    ("count_acts", "count_acts", without_anchor),
    ("tiles", "tiles", one_more_tile),
    ("burst_evidence", "burst_evidence", slightly),
    ("near_copies", "near_copies", first_half),
    ("near_copies", "near_copies", without_crowd_rule),
    ("similar_sets", "similar_sets", first_half),
    ("similar_sets", "similar_sets", without_crowd_rule),
    ("similar_pairs", "similar_pairs", first_half),
    ("poisson_tail", "poisson_tail", slightly),
    ("poisson_binomial_tail", "poisson_binomial_tail", slightly),
    ("components", "components", more),
]


@pytest.mark.parametrize(
    ("check", "method", "instead"),
    WORSE_ENGINES,
    ids=[f"{c}-{i.__name__}" for c, _, i in WORSE_ENGINES],
)
def test_contracts_a_broken_engine_fails(
    check: str, method: str, instead: Callable[..., Any]
) -> None:
    engine = Wrong("wrong", method, instead)
    broken = outcome("engines", check, Plugin("engines", "wrong", lambda config: engine))
    assert broken and len(broken) > 20


def test_contracts_an_engine_under_another_name_fails() -> None:
    engine = Wrong("other", "occupancy", more)
    assert outcome("engines", "named", Plugin("engines", "wrong", lambda config: engine))


# --- broken executors ----------------------------------------------------------------------------


class Loop(ThreadExecutor):
    """The built-in one, whose results pass through ``change``."""

    def map(self, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
        return self.change(super().map, function, shared, ranges, threads)

    def change(self, run: Any, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
        return run(function, shared, ranges, threads)


def as_they_come(self: Any, run: Any, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
    return iter(
        [*run(function, shared, ranges[1:], threads), *run(function, shared, ranges[:1], 1)]
    )


def single(self: Any, run: Any, function: Any, *rest: Any) -> Any:
    """Floats come back in single precision."""
    for result in run(function, *rest):
        if isinstance(result, tuple):
            result = tuple(np.float32(x).item() if isinstance(x, float) else x for x in result)
        yield result


def all_at_once(self: Any, run: Any, *rest: Any) -> Any:
    return iter(list(run(*rest)))


def sealed(self: Any, run: Any, *rest: Any) -> Any:
    for result in run(*rest):
        if isinstance(result, np.ndarray):
            result.flags.writeable = False
        yield result


def bare_errors(self: Any, run: Any, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
    return (function(shared, *cut) for cut in ranges)


def last_asked_for(
    self: Any, run: Any, function: Any, shared: Any, ranges: Any, threads: int
) -> Any:
    """The object remembers one call only."""
    LAST[:] = [function, shared, list(ranges)]
    time.sleep(0.1)
    function, shared, ranges = LAST
    LAST[2] = []
    return run(function, shared, ranges, threads)


def twice_run(self: Any, run: Any, function: Any, shared: Any, ranges: Any, threads: int) -> Any:
    """Says its workers are elsewhere, and runs every shard again when one dies."""
    if function is executors.process:
        return iter([1] * len(ranges))
    if function is executors.dies_once:
        list(run(executors.logged, shared, ranges, threads))
        return run(executors.logged, shared, ranges, threads)
    return run(function, shared, ranges, threads)


LAST: list[Any] = []

WORSE_EXECUTORS: list[tuple[str, dict[str, Any]]] = [
    ("named", {"workers": lambda self, threads: 0}),
    ("same_bytes", {"change": single}),
    ("order", {"change": as_they_come}),
    ("ahead", {"change": all_at_once}),
    ("shared_unchanged", {"change": sealed}),
    ("failures", {"change": bare_errors}),
    ("two_at_once", {"change": last_asked_for}),
    ("killed", {"change": twice_run}),
    ("marks", {}),
    ("closed", {"close": lambda self: CLOSED.remove(self.name)}),
]

CLOSED = ["threads"]


@pytest.mark.parametrize(
    ("check", "methods"), WORSE_EXECUTORS, ids=[name for name, _ in WORSE_EXECUTORS]
)
def test_contracts_a_broken_executor_fails(check: str, methods: dict[str, Any]) -> None:
    CLOSED[:] = ["threads"]
    broken = type("Broken", (Loop,), methods)
    said = outcome("executors", check, Plugin("executors", "threads", lambda config: broken()))
    assert said and len(said) > 20


@pytest.mark.parametrize("group", ["engines", "executors", "signals", "sources"])
def test_contracts_every_check_has_a_plugin_that_fails_it(group: str) -> None:
    tried_here = {
        "engines": {check for check, _, _ in WORSE_ENGINES} | {"named"},
        "executors": {check for check, _ in WORSE_EXECUTORS},
        "signals": {check for check, _ in WORSE},
        "sources": {check for check, _ in WORSE_SOURCES},
    }
    carry = quoting if group == "signals" else None
    assert {c.name for c in checks(group, carry=carry)} == tried_here[group]


# --- the one call, and what CONTRIBUTING.md says -------------------------------------------------


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Registers ``module:attribute`` under a name, as an installed package would."""

    def plug(group: str, name: str, value: str) -> None:
        ours = sockets._registered(group)
        point = EntryPoint(name=name, value=value, group=f"klieg.{group}")
        others = sockets._registered

        def everything(asked: str) -> dict[str, EntryPoint]:
            return {**ours, name: point} if asked == group else others(asked)

        monkeypatch.setattr(sockets, "_registered", everything)

    return plug


def section(title: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def example_of(title: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The Python block of a section, written to the file its first line names, imported."""
    [code] = re.findall(r"```python\n(.*?)```", section(title), re.S)
    name = re.match(r"# (\w+)\.py\n", code)
    assert name, "the block's first line names its file"
    (folder / f"{name[1]}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name[1])


@pytest.mark.parametrize("title", ["Add a source", "Add a signal"])
def test_contracts_examples_of_the_guide_keep_every_promise(
    title: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plugged: Callable[[str, str, str], None],
) -> None:
    module = example_of(title, tmp_path, monkeypatch)
    [(group, name, value)] = re.findall(
        r"klieg\.(\w+)\"\]`, `(\w+) = \"([\w:]+)\"`", section(title)
    )
    plugged(group, name, value)
    [call] = re.findall(r"`klieg\.contracts\.(verify\(.*?\))`", section(title))
    eval(call, {"verify": contracts.verify, module.__name__: module})


def test_contracts_verify_lists_every_promise_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugged: Callable[[str, str, str], None]
) -> None:
    module = example_of("Add a signal", tmp_path, monkeypatch)
    plugged("signals", "mine", f"{module.__name__}:signal")  # under a name that is not its own
    monkeypatch.setattr(module.Quotes, "sentence", "They did it.")
    with pytest.raises(ContractBroken) as raised:
        contracts.verify("signals", "mine")
    said = str(raised.value)
    assert "breaks 2 of its promises" in said
    assert "- named: `name` should be" in said
    assert "- sentence: the sentence should say how many accounts and objects" in said


def test_contracts_run_gives_a_result_a_check() -> None:
    results = contracts.run("sources", "coortweet")
    assert [r.check for r in results] == [c.name for c in checks("sources")]
    assert all(r.kept for r in results)


def test_contracts_unknown_sockets_and_names_are_config_errors() -> None:
    for wrong in (
        lambda: checks("signal"),
        lambda: contracts.run("signals", "linc"),
        lambda: checks("sources", carry=quoting),
    ):
        with pytest.raises(ConfigError):
            wrong()
