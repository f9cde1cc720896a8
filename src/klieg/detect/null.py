"""What chance expects of a pair: how often two accounts meet if slots of a pool go to anyone.

An object's own attention curve is kept (breaking news makes many pairs, and C counts them); *who*
fills its slots is exchangeable inside the stratum: ``λ_ab(w) = Σ_c Σ_{i∈c} p_ai p_bi ρ_i(w)``, with
chances ``p`` fitted to both margins and ρ scaled so that λ over all pairs of an object sums to the
pairs seen on it. The capped form counts each target once over the whole period, in λ as in x. The
room knows no thresholds, no p-values and no groups beyond their rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klieg.detect import fitted
from klieg.detect.columns import spread, tally_by
from klieg.detect.shuffle import shuffle
from klieg.engine import shards
from klieg.engine.compiled import column, compiled
from klieg.engine.windows import group_rows
from klieg.tables import SECOND

if TYPE_CHECKING:
    from klieg.config import Config
    from klieg.sockets import Engine
    from klieg.tables import F64, I32, I64, Actions, Bool, Strata

__all__ = [
    "Margins",
    "Slots",
    "attributed",
    "expected",
    "expected_capped",
    "expected_free",
    "held",
    "ladder",
    "leave_out",
    "margins",
    "pair_totals",
    "shuffle",
    "slots",
    "weigh",
]


_DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Slots:
    """Who can fill which slots: all that λ needs of a layer's pools but the pairs of actions."""

    starts: I64  # (A + 1,) entries of account a: starts[a] … starts[a + 1]
    stratum: I32  # (entries,) ascending within an account
    count: F64  # (entries,) n_a^c
    total: F64  # (C,) E_c: actions that fill the slots (without a group that is left out)
    scale: F64  # (C,) 1 / (E_c² − Σ_a n_a²): weight of an ordered pair in the sparse limit, or 0
    home: I32  # (n_objects,) stratum of each object
    target: I64  # (n_objects,) what it counts as under the evidence cap; itself if nothing
    kind: I64  # (n_objects,) its class of degree inside its stratum
    nodes: F64  # (D,) account degrees at which chances are tabulated
    fits: tuple[fitted.Fit, ...]  # (C,)


@dataclass(frozen=True, slots=True)
class Margins:
    """Everything λ needs, so that a pair costs O(strata it shares)."""

    windows: I64  # (W,) microseconds
    slots: Slots
    pairs: F64  # (C, W) S_c(w) = Σ 2·C_i(w)
    free: F64  # (C, W, D, D) fitted λ over the sparse limit n_a n_b S / (E² − Σn²), uncapped
    capped: F64  # (C, W, D, D) the same, each target counted once


def margins(
    actions: Actions, strata: Strata, config: Config, engine: Engine, *, cap: int | None = None
) -> Margins:
    """Margins of one layer. With ``cap``, bursts of more followers leave S (for the search)."""
    return weigh(slots(actions, strata), pair_totals(actions, config, engine, cap), config)


def leave_out(
    actions: Actions, strata: Strata, members: I32, config: Config, engine: Engine
) -> Margins:
    """Margins of everybody but ``members``: outside–outside pairs over outside actions.

    The members' own n_a are kept, so λ of member pairs can be read from the result. This is the
    form that does not inflate λ: for random groups of any size the factor is 1.
    """
    inside = np.zeros(actions.n_accounts, np.bool_)
    inside[members] = True
    out = ~inside[actions.account]
    rest = replace(
        actions,
        account=actions.account[out],
        object=actions.object[out],
        time=actions.time[out],
        post=actions.post[out],
        target=actions.target[out],
    )
    return weigh(
        slots(actions, strata, left_out=inside), pair_totals(rest, config, engine, None), config
    )


def ladder(config: Config) -> I64:
    """(W,) the windows in microseconds."""
    return np.array(config.windows_s, np.int64) * SECOND


def pair_totals(actions: Actions, config: Config, engine: Engine, cap: int | None) -> I64:
    """(n_objects, W) pairs of actions of different accounts on each object."""
    return engine.pair_totals(
        actions.account, actions.object, actions.time, actions.n_objects, ladder(config), cap
    )


def slots(actions: Actions, strata: Strata, *, left_out: Bool | None = None) -> Slots:
    """Count and fit a layer's pools; accounts in ``left_out`` fill no slots but keep their n_a."""
    size = strata.size
    account = column(actions.account, np.int32, "account")
    home = column(strata.object_stratum, np.int32, "object_stratum")
    starts, stratum, times = tally_by(account, home[actions.object], actions.n_accounts, size)
    filling, filled = times, actions.object
    if left_out is not None:
        owner = np.repeat(np.arange(actions.n_accounts), np.diff(starts))
        filling, filled = np.where(left_out[owner], 0, times), filled[~left_out[account]]
    degree = np.bincount(filled, minlength=actions.n_objects)
    days = _days(actions, account)
    total = np.bincount(stratum, weights=filling, minlength=size).astype(np.float64)
    ordered = total**2 - np.bincount(
        stratum, weights=filling.astype(np.float64) ** 2, minlength=size
    )
    nodes = fitted.nodes_up_to(float(times.max(initial=1)))
    kind = np.zeros(actions.n_objects, np.int64)
    fits = []
    fillers, by_pool = group_rows(stratum, np.arange(len(stratum)), size)
    objects, by_home = group_rows(home, np.arange(len(home)), size)
    for c in range(size):
        here = by_home[objects[c] : objects[c + 1]]
        own = filling[by_pool[fillers[c] : fillers[c + 1]]]
        often = None if days is None else days[here]
        chances, kind[here] = fitted.fit(own, degree[here], nodes, often)
        fits.append(chances)
    return Slots(
        starts=starts,
        stratum=stratum,
        count=times.astype(np.float64),
        total=total,
        scale=np.where(ordered > 0.5, 1.0 / np.maximum(ordered, 1.0), 0.0),
        home=strata.object_stratum,
        target=_targets(actions),
        kind=kind,
        nodes=nodes,
        fits=tuple(fits),
    )


def _days(actions: Actions, account: I32) -> I64 | None:
    """(n_objects,) days of acts of each object; None where no account acted on one twice.

    Acts of an account on an object lie a day apart: so often, at most, it may have been there.
    """
    object_ = column(actions.object, np.int32, "object")
    once = spread(account, object_, actions.n_accounts, actions.n_objects).sum() == actions.n
    if once:
        return None
    return _lived(object_, column(actions.time, np.int64, "time"), actions.n_objects)


@compiled
def _lived(object: I32, time: I64, n_objects: int) -> I64:  # noqa: A002
    """(n_objects,) different days since each object's first act that hold an act; at least 1."""
    days = np.zeros(n_objects, np.int64)
    first, last = np.zeros(n_objects, np.int64), np.zeros(n_objects, np.int64)
    for i in range(len(object)):
        o = object[i]
        if days[o] == 0:
            first[o] = time[i]
        day = (time[i] - first[o]) // _DAY
        if days[o] == 0 or day != last[o]:
            days[o] += 1
            last[o] = day
    return np.maximum(days, 1)


def weigh(slots: Slots, totals: I64, config: Config) -> Margins:
    """Margins from the pairs counted on each object, ``totals`` (n_objects, W)."""
    size, windows, nodes = len(slots.total), ladder(config), len(slots.nodes)
    pairs = np.zeros((size, len(windows)))
    free = np.zeros((size, len(windows), nodes, nodes))
    capped = np.zeros_like(free)
    live = np.flatnonzero(totals.any(axis=1))
    live = live[np.lexsort((slots.target[live], slots.home[live]))]
    cuts = np.searchsorted(slots.home[live], np.arange(size + 1))
    sparse = np.outer(slots.nodes, slots.nodes)

    def part(first: int, stop: int) -> None:
        for c in range(first, stop):
            own, fit = live[cuts[c] : cuts[c + 1]], slots.fits[c]
            if not len(own):
                continue
            pairs[c] = 2.0 * totals[own].sum(axis=0)
            kind = slots.kind[own]
            edges = np.flatnonzero(np.r_[True, np.diff(slots.target[own]) != 0, True])
            rate = totals[own] / fit.weight[kind, None]
            fitted.tabulate(fit.chance, rate, kind, edges, free[c], capped[c])
            base = sparse * (slots.scale[c] * pairs[c])[:, None, None]
            for table in (free[c], capped[c]):
                np.divide(table, base, out=table, where=base > 0)

    shards.run(part, shards.equal_ranges(np.diff(cuts), 16), config.threads)
    return Margins(windows, slots, pairs, free, capped)


def _targets(actions: Actions) -> I64:
    """(n_objects,) the target an object belongs to; one without is its own."""
    target = np.full(actions.n_objects, -1, np.int64)
    # (of one type: mixed ones take numpy ten times longer)
    np.maximum.at(target, actions.object, actions.target.astype(np.int64))
    own = np.flatnonzero(target < 0)
    target[own] = len(actions.target_labels) + own
    return target


def expected(margins: Margins, left: I32, right: I32, *, threads: int = 1) -> tuple[F64, F64]:
    """((p, W) uncapped, (p, W) capped) co-actions that chance expects of each pair.

    Between tabulated degrees the ratio of fitted to sparse is interpolated. Where a target lies in
    several strata their chances are added: too high, never too low.
    """
    return (
        expected_free(margins, left, right, threads=threads),
        expected_capped(margins, left, right, threads=threads),
    )


def expected_free(margins: Margins, left: I32, right: I32, *, threads: int = 1) -> F64:
    """(p, W) the first of ``expected`` alone."""
    return _read(margins, margins.free, left, right, threads)


def expected_capped(
    margins: Margins, left: I32, right: I32, *, asked: Bool | None = None, threads: int = 1
) -> F64:
    """(p, W) the second of ``expected`` alone; 0 where it is not ``asked`` (p, W) for."""
    return _read(margins, margins.capped, left, right, threads, asked)


def _read(
    margins: Margins, table: F64, left: I32, right: I32, threads: int, asked: Bool | None = None
) -> F64:
    slots = margins.slots
    pair = column(left, np.int32, "left"), column(right, np.int32, "right")
    out = np.zeros((len(left), len(margins.windows)))
    given = held(margins, table)
    wanted = np.zeros((0, 0), np.bool_) if asked is None else asked

    def part(first: int, stop: int) -> None:
        told = wanted[first:stop] if asked is not None else wanted
        _expected(pair[0][first:stop], pair[1][first:stop], *given, told, out[first:stop])

    weight = np.diff(slots.starts)[pair[0]] + np.diff(slots.starts)[pair[1]]
    shards.run(part, shards.equal_ranges(weight, 16), threads)
    return out


def attributed(margins: Margins, left: I32, right: I32, amount: F64) -> F64:
    """(C, W) what is positive of ``amount`` (p, W), dealt out as strata share each pair's λ."""
    a, b = column(left, np.int32, "left"), column(right, np.int32, "right")
    dealt = np.zeros_like(margins.pairs)
    _deal(a, b, *held(margins, margins.free), np.maximum(amount, 0.0), dealt)
    return dealt


def held(margins: Margins, table: F64) -> tuple[I64, I32, F64, F64, F64, I64, F64, F64]:
    """What λ of a pair is read from, as the kernels take it."""
    slots = margins.slots
    node, part_way = _places(int(slots.count.max(initial=0.0)), slots.nodes)
    fixed = slots.starts, slots.stratum, slots.count, slots.scale, margins.pairs
    # windows side by side: four places of the table a stratum, whatever the ladder
    return *fixed, node, part_way, np.ascontiguousarray(table.transpose(0, 2, 3, 1))


@compiled
def _expected(
    left: I32,
    right: I32,
    starts: I64,
    stratum: I32,
    count: F64,
    scale: F64,
    pairs: F64,
    node: I64,
    part_way: F64,
    table: F64,
    asked: Bool,
    out: F64,
) -> None:
    """Merge the strata of both accounts and add up what each of them expects.

    In the windows that are ``asked`` (p, W) for; all where that is empty.
    """
    for p in range(len(left)):
        i, i_end = starts[left[p]], starts[left[p] + 1]
        j, j_end = starts[right[p]], starts[right[p] + 1]
        while i < i_end and j < j_end:
            if stratum[i] < stratum[j]:
                i += 1
                continue
            if stratum[i] > stratum[j]:
                j += 1
                continue
            c = stratum[i]
            z = count[i] * count[j] * scale[c]
            a, u = node[int(count[i])], part_way[int(count[i])]
            b, v = node[int(count[j])], part_way[int(count[j])]
            i += 1
            j += 1
            for w in range(pairs.shape[1]):
                if len(asked) and not asked[p, w]:
                    continue
                upper = table[c, a, b, w] * (1.0 - v) + table[c, a, b + 1, w] * v
                lower = table[c, a + 1, b, w] * (1.0 - v) + table[c, a + 1, b + 1, w] * v
                out[p, w] += z * pairs[c, w] * (upper * (1.0 - u) + lower * u)


@compiled
def _deal(
    left: I32,
    right: I32,
    starts: I64,
    stratum: I32,
    count: F64,
    scale: F64,
    pairs: F64,
    node: I64,
    part_way: F64,
    table: F64,
    amount: F64,
    dealt: F64,
) -> None:
    """Add to (C, W) each pair's amount in proportion to what each of its strata expects."""
    for p in range(len(left)):
        i, i_end = starts[left[p]], starts[left[p] + 1]
        j, j_end = starts[right[p]], starts[right[p] + 1]
        own = np.zeros((min(i_end - i, j_end - j), pairs.shape[1]))
        home = np.zeros(len(own), np.int64)
        k = 0
        while i < i_end and j < j_end:
            if stratum[i] < stratum[j]:
                i += 1
                continue
            if stratum[i] > stratum[j]:
                j += 1
                continue
            home[k] = c = stratum[i]
            z = count[i] * count[j] * scale[c]
            a, u = node[int(count[i])], part_way[int(count[i])]
            b, v = node[int(count[j])], part_way[int(count[j])]
            i += 1
            j += 1
            for w in range(pairs.shape[1]):
                upper = table[c, a, b, w] * (1.0 - v) + table[c, a, b + 1, w] * v
                lower = table[c, a + 1, b, w] * (1.0 - v) + table[c, a + 1, b + 1, w] * v
                own[k, w] = z * pairs[c, w] * (upper * (1.0 - u) + lower * u)
            k += 1
        for w in range(pairs.shape[1]):
            whole = own[:k, w].sum()
            for r in range(k):
                if whole > 0.0:
                    dealt[home[r], w] += amount[p, w] * own[r, w] / whole


@compiled
def _places(most: int, nodes: F64) -> tuple[I64, F64]:
    """(most + 1,) where each number of acts lies among the nodes: ``_between`` of every one."""
    node, part_way = np.zeros(most + 1, np.int64), np.zeros(most + 1)
    for degree in range(1, most + 1):
        node[degree], part_way[degree] = _between(nodes, float(degree))
    return node, part_way


@compiled
def _between(nodes: F64, degree: float) -> tuple[int, float]:
    """Node at or below a degree, and how far (in logarithms) it is towards the next."""
    low, high = 0, len(nodes) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if nodes[middle] <= degree:
            low = middle
        else:
            high = middle
    if degree <= nodes[low]:
        return low, 0.0
    return low, np.log(degree / nodes[low]) / np.log(nodes[high] / nodes[low])
