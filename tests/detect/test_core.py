"""The core of a group: who keeps its clock stays, who only shares its interests leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect import core, timed
from klieg.tables import Actions

HOUR, OBJECTS = 3600.0, 30
WINDOW = 600


def laid(rows: list[tuple[int, int, float]], accounts: int) -> timed.Timed:
    rows = sorted(rows, key=lambda r: r[2])
    who, what, when = (np.array(c) for c in zip(*rows, strict=True))
    n = len(rows)
    acts = Actions(
        "repost",
        who.astype(np.int32),
        what.astype(np.int32),
        (when * 1e6).astype(np.int64),
        np.arange(n, dtype=np.int64),
        what.astype(np.int32),
        pa.array([str(i) for i in range(OBJECTS)]),
        pa.array([str(i) for i in range(OBJECTS)]),
        accounts,
    )
    return timed.lay_out(acts, timed.WINDOWS)


def group(seed: int, crew: int, strangers: int, jitter: float = WINDOW) -> timed.Timed:
    """A crew on twelve objects within the jitter; strangers on all thirty, whenever they like."""
    rng = np.random.default_rng(seed)
    start = np.arange(OBJECTS) * 86_400.0
    rows = [
        (a, o, start[o] + 5 * HOUR + rng.random() * jitter) for o in range(12) for a in range(crew)
    ]
    rows += [
        (crew + a, o, start[o] + rng.random() * 12 * HOUR)
        for a in range(strangers)
        for o in range(OBJECTS)
        if rng.random() < 0.5
    ]
    return laid(rows, crew + strangers)


def kept(found: timed.Timed, n: int, **more: Any) -> list[int]:
    acts = np.bincount(found.object, minlength=OBJECTS)
    usual = np.full(int((acts >= 2).sum()), 2 * WINDOW / (12 * HOUR))
    layers = [(found, usual)]
    return core.keepers(layers, np.arange(n, dtype=np.int32), WINDOW, **more).tolist()


@pytest.mark.parametrize("strangers", [2, 10, 60])
def test_core_is_the_crew_however_many_came_along(strangers: int) -> None:
    for seed in range(3):
        assert kept(group(seed, 15, strangers), 15 + strangers) == list(range(15))


def test_core_of_a_crew_is_the_whole_crew() -> None:
    for jitter in (WINDOW, HOUR, 3 * HOUR):
        assert len(kept(group(1, 20, 0, jitter), 20)) == 20


def test_core_chosen_on_half_of_the_acts_counts_no_other() -> None:
    found = group(2, 15, 10)
    until, after = 6 * 86_400e6, 12 * 86_400e6
    assert kept(found, 25, chosen=lambda time: time < until) == list(range(15))
    assert kept(found, 25, chosen=lambda time: time >= after) != list(range(15))


def test_core_adds_up_the_layers_of_a_group() -> None:
    """Half of a crew's joint acts in either layer: by both together everybody belongs."""
    whole = group(4, 12, 6)
    rows = list(zip(whole.account.tolist(), whole.object.tolist(), whole.time / 1e6, strict=True))
    usual = 2 * WINDOW / (12 * HOUR)
    layers = []
    for odd in (0, 1):
        part = laid([r for r in rows if r[1] % 2 == odd], 18)
        shared = int((np.bincount(part.object, minlength=OBJECTS) >= 2).sum())
        layers.append((part, np.full(shared, usual)))
    members = np.arange(18, dtype=np.int32)
    assert core.keepers(layers, members, WINDOW).tolist() == list(range(12))


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)))
def test_core_does_not_depend_on_names(names: list[int]) -> None:
    found = group(3, 8, 4)
    rows = [
        (names[a], int(o), t / 1e6)
        for a, o, t in zip(found.account.tolist(), found.object, found.time, strict=True)
    ]
    assert kept(laid(rows, 12), 12) == sorted(names[a] for a in kept(found, 12))
