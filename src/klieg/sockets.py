"""The sockets: what a plugin must provide, and how an implementation is found by its name.

Implementations register as entry points (groups ``klieg.sources``, ``klieg.signals``,
``klieg.engines``, …); ours come through the same door as a stranger's. Each entry point is a
factory ``(config, **ports)``. Only ``pipeline`` chooses; every other room is handed what it needs.
The room knows the words of ``tables`` and no implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from klieg.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from klieg.config import Config
    from klieg.tables import F64, I32, I64, ActEdges, Actions, Bool, Edges, Posts, Reject

__all__ = [
    "Engine",
    "Executor",
    "Input",
    "PairBatches",
    "PairCounts",
    "Ports",
    "Progress",
    "Signal",
    "Source",
    "factory",
    "names",
    "silent",
]

S = TypeVar("S")
T = TypeVar("T")

Progress = Callable[[str, int, int | None], None]
"""``progress(stage, done, total)``: called from the main thread; total None while unknown."""


def silent(stage: str, done: int, total: int | None) -> None:
    """The progress of a library call: nobody is told."""


@dataclass(frozen=True, slots=True)
class Input:
    """One opened input: where it came from and how to read its bytes again, decompressed."""

    name: str  # as the user named it; "-" for stdin
    path: Path  # a local file that can be opened many times (stdin is spooled)
    compression: str  # "", "gz" or "zst"
    head: bytes  # first 64 KiB, decompressed; of Parquet: "PAR1", newline, the columns as CSV


@dataclass(frozen=True, slots=True)
class Ports:
    """What a signal may use besides the posts."""

    engine: Engine
    progress: Progress = silent


class Source(Protocol):
    """Reads one format into batches of posts."""

    name: str

    def sniff(self, head: bytes, name: str) -> float:
        """How sure, 0 … 1, that these first bytes are this format (decompressed, ≤ 64 KiB)."""
        ...

    def read(
        self,
        input: Input,  # noqa: A002 - the word of the glossary
        mapping: Mapping[str, str],
        reject: Callable[[Reject], None],
    ) -> Iterator[pa.RecordBatch]:
        """Batches of POSTS (≤ 65,536 rows); a bad row goes to ``reject``, never lost."""
        ...

    def examples(self) -> Sequence[bytes]:
        """Small hand-made inputs of this format: what the contract checks read."""
        ...


class Signal(Protocol):
    """Turns posts into the actions of one trace."""

    name: str
    version: str
    sentence: str  # template: {accounts}, {objects}, {window}, {times}

    def actions(self, posts: Posts) -> Actions:
        """Who did what when; empty posts give empty actions. Deterministic."""
        ...

    def examples(self) -> Sequence[pa.Table]:
        """Small POSTS (or ACTS) tables that carry this trace: what the contract checks read."""
        ...


@dataclass(frozen=True, slots=True)
class PairCounts:
    """What ``Engine.count_pairs`` gives back."""

    edges: Edges
    dropped: I64  # (n_accounts, W) actions dropped for occupancy, or next to a dropped one


class PairBatches(Protocol):
    """What ``Engine.pair_batches`` gives back; every iteration counts anew."""

    @property
    def dropped(self) -> I64:
        """(n_accounts, W) actions dropped for occupancy, or next to a dropped one."""
        ...

    def __iter__(self) -> Iterator[Edges]:
        """Pairs in (left, right) order, in batches that fit the memory budget; none is empty."""
        ...


class Engine(Protocol):
    """The arithmetic of co-actions. ``engine/reference.py`` is the specification.

    Every method takes plain arrays; ``account``, ``object``, ``target`` are int32, times int64
    microseconds, windows int64 microseconds ascending (W of them). Two actions are within a window
    w if ``|t1 − t2| ≤ w`` (inclusive). Rows may come in any order unless said otherwise. Integer
    results are equal to the reference's, floats within 1e-9 relative. n = 0 and n = 1 are legal.
    Methods may be called from two threads at once.
    """

    name: str

    def occupancy(self, object: I32, time: I64, windows: I64) -> NDArray[np.int32]:  # noqa: A002
        """(n, W) other actions on the same object within each window of each action."""
        ...

    def pair_totals(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        n_objects: int,
        windows: I64,
        cap: int | None,
    ) -> I64:
        """(n_objects, W) unordered pairs of actions of *different* accounts within each window.

        With ``cap``, actions whose own occupancy in that rung exceeds it make no pairs in it.
        """
        ...

    def count_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> PairCounts:
        """Every pair with ``n ≥ min_n`` in some window (uncapped: the widest), all windows counted.

        Per pair and object only the smallest delay counts. ``capped`` counts each target once over
        the whole period (an object without target, −1, is its own target; where the rows of one
        object disagree, the largest target is the object's). With ``cap``, an action whose
        occupancy in a rung exceeds it pairs with nobody *in that rung*, so counts may fall from one
        window to the next; ``first`` and ``last`` then span the co-actions that count somewhere.
        """
        ...

    def pair_batches(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        min_n: int,
        cap: int | None,
        threads: int,
    ) -> PairBatches:
        """``count_pairs`` piece by piece, for more pairs than memory holds: joined, the same.

        The arrays must stay as they are while the batches are read.
        """
        ...

    def rescore_pairs(
        self,
        account: I32,
        object: I32,  # noqa: A002
        time: I64,
        target: I32,
        n_accounts: int,
        windows: I64,
        left: I32,
        right: I32,
        threads: int,
    ) -> Edges:
        """Exact counts of the given pairs (sorted, left < right), no occupancy cap.

        Pairs that never met in the widest window come back with zeros and first = last = 0.
        """
        ...

    def act_company(self, account: I32, post: I32, lo: I32, hi: I32) -> I64:
        """(n,) acts of another account *and* another post in rows ``lo[i] … hi[i] − 1``.

        For ``count_acts``: acts stand so that those act i meets (itself among them) are a range of
        rows, found by whoever asks. ``post`` holds dense ids ≥ 0.
        """
        ...

    def count_acts(
        self,
        account: I32,
        post: I32,
        time: I64,
        lo: I32,
        hi: I32,
        anchor: Bool,
        n_accounts: int,
        min_n: int,
        directed: bool,
        threads: int,
    ) -> Iterator[ActEdges]:
        """Edges with ``n ≥ min_n`` in (left, right) order, in batches that fit the memory budget.

        Acts i and j meet if ``lo[i] ≤ j < hi[i]`` and they are of different accounts and different
        posts. ``directed``: n of (left, right) is the number of distinct posts of left of which an
        act meets an act of right; delay is 0. Undirected (ranges then mirror each other): n of left
        < right is the number of pairs of acts that meet, delay their Σ |t1 − t2|. Two acts that
        meet count only if ``anchor`` (n,) holds for one of them at least. No batch is empty.
        """
        ...

    def tiles(self, object: I32, time: I64, window: int, phase: int) -> tuple[I32, int]:  # noqa: A002
        """Bursts: (n,) dense id of (object, floor((time − origin + phase) / window)), and how many.

        ``window`` and ``phase`` in microseconds; origin is the start of the week of the first
        action, so that shifting all times by whole weeks changes nothing. Ids ascend with
        (object, tile).
        """
        ...

    def burst_evidence(
        self,
        burst: I32,  # (rows of the members,) burst ids in one tiling
        actors: I32,  # (bursts,) m: distinct actors of each burst
        share: F64,  # (bursts,) n_G / E of the burst's stratum: chance that a slot is a member's
        base: F64,  # (Ω,) Σ over *all* bursts of the log factor at k = 0, for this share vector
        rates: F64,  # (R,) r grid
        weights: F64,  # (Ω,) ω grid
    ) -> F64:
        """(Ω,) Σ_u ln[ω + (1 − ω)·mean_r r^k e^{−(r−1)μ}], μ = actors·share."""
        ...

    def near_copies(
        self, starts: I64, values: NDArray[np.uint64], tau: float, seed: int
    ) -> tuple[I32, I32, F64]:
        """Pairs (i < j, sorted) of shingle sets with exact Jaccard ≥ tau found by banded MinHash.

        Text i's hashed shingles are ``values[starts[i]:starts[i + 1]]``, sorted and unique;
        ``starts`` has one entry more than there are texts. A text with no shingles has no pair.
        In a crowd of near-copies a text keeps only its first 256 partners of smaller index; it is
        logged how many texts met that limit. Identical sets are better merged by the caller.
        """
        ...

    def similar_sets(
        self, starts: I64, values: NDArray[np.uint64], tau: float
    ) -> tuple[I32, I32, F64]:
        """The same, exact: an all-pairs prefix-filter join, every pair with Jaccard ≥ tau.

        The same crowd rule: a text keeps only its first 256 partners among shorter (then earlier)
        texts; without such a crowd nothing is missing.
        """
        ...

    def similar_pairs(
        self,
        a: NDArray[np.float32],
        b: NDArray[np.float32],
        tau: float,
        times: tuple[I64, I64],
        window: int,
    ) -> tuple[I32, I32, NDArray[np.float32]]:
        """Pairs (i, j) with dot(a_i, b_j) ≥ tau and |time_i − time_j| ≤ window; rows are unit."""
        ...

    def poisson_tail(self, n: NDArray[np.int64], lam: F64) -> F64:
        """P[Poisson(λ) ≥ n], elementwise; 1 where n = 0."""
        ...

    def poisson_binomial_tail(self, starts: I64, probs: F64, n: I64) -> F64:
        """P[Σ Bernoulli ≥ n] of each ragged row ``probs[starts[i]:starts[i + 1]]``."""
        ...

    def components(self, left: I32, right: I32, n: int) -> I32:
        """(n,) connected component of each node, numbered by smallest node first."""
        ...


class Executor(Protocol):
    """Where the shards of an engine run: threads, processes, a cluster."""

    @property
    def name(self) -> str: ...

    def workers(self, threads: int) -> int:
        """How many shards run at once: what ranges are cut for (``threads`` 0: all there are)."""
        ...

    def map(
        self,
        function: Callable[[S, int, int], T],
        shared: S,
        ranges: Sequence[tuple[int, int]],
        threads: int,
    ) -> Iterator[T]:
        """``function(shared, first, stop)`` of every range, in range order, as they are asked for.

        ``function`` is a module-level function (it travels by its name), ``shared`` a tuple or
        NamedTuple, nested at will, of arrays, numbers and strings that is sent once and that no
        shard may write to; a result is None, an array, a number, a string or a tuple of these.
        At most a few shards a worker are begun beyond the one asked for. The results are those of
        calling it here, one range after another. A shard that raises ends the call with an error
        that names it: a KliegError as it is, with a note; anything else as an EngineError. A worker
        that dies costs its shard, which is run again.
        """
        ...

    def close(self) -> None:
        """Let go of what was started; calling it twice is legal."""
        ...


@cache
def _registered(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"klieg.{group}")}


def names(group: str) -> list[str]:
    """Sorted names of what is installed in a socket, e.g. ``names("engines")``."""
    return sorted(_registered(group))


def factory(group: str, name: str) -> Callable[..., Any]:
    """The factory behind a name; ConfigError names the nearest one that exists."""
    known = _registered(group)
    if name not in known:
        near = get_close_matches(name, known, 1)
        raise ConfigError(
            group.rstrip("s"),
            name,
            " | ".join(sorted(known)) or "nothing is installed",
            nearest=near[0] if near else None,
        )
    loaded: Callable[..., Any] = known[name].load()
    return loaded


def make(group: str, name: str, config: Config, **ports: object) -> Any:
    """The implementation itself: ``factory(group, name)(config, **ports)``."""
    return factory(group, name)(config, **ports)
