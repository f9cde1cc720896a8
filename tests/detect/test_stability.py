"""One thing changed at a time: what stands, what falls, and that squares agree with the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survival_world import Scanned

from klieg.detect import controls, stability
from klieg.tables import SECOND, Actions, Group, Retest


def actions_of(account: np.ndarray, n: int) -> Actions:
    rows = len(account)
    return Actions(
        "link",
        account.astype(np.int32),
        np.zeros(rows, np.int32),
        np.arange(rows, dtype=np.int64) * 7 * SECOND,
        np.arange(rows, dtype=np.int64),
        np.full(rows, -1, np.int32),
        pa.array(["x"]),
        pa.array([], pa.string()),
        n,
    )


@given(seed=st.integers(0, 10**6), draw=st.integers(0, 4))
@settings(max_examples=25)
def test_stability_thins_by_when_and_whom(seed: int, draw: int) -> None:
    rng = np.random.default_rng(seed)
    actions = actions_of(rng.integers(0, 50, 2000), 50)
    key = controls.mix(rng.integers(0, 2**63, 50).astype(np.uint64))
    kept = stability.thinned(actions, key, draw)
    assert 0.75 < kept.n / actions.n < 0.85
    new = rng.permutation(50)
    moved = replace(actions, account=new[actions.account].astype(np.int32))
    there = stability.thinned(moved, key[np.argsort(new)], draw)
    assert there.post.tolist() == kept.post.tolist()
    other = stability.thinned(actions, key, draw + 1)
    assert other.post.tolist() != kept.post.tolist()


def _ask(scanned: Scanned, group: Group) -> tuple[Retest, ...]:
    (told,) = stability.of_groups(scanned.run, [(group, 0.0)], scanned.field.key)
    return told


def test_stability_answers_in_the_order_of_the_groups(scanned: Scanned) -> None:
    crew = scanned.crew[0]
    groups = [*scanned.standing, crew]
    together = stability.of_groups(scanned.run, [(g, 0.0) for g in groups], scanned.field.key)
    assert together == [_ask(scanned, g) for g in groups]
    tight = replace(scanned.run, config=replace(scanned.run.config, threads=3, memory="8GiB"))
    again = stability.of_groups(tight, [(g, 0.0) for g in groups], scanned.field.key)
    assert again == together


def test_stability_a_strong_crew_survives_and_says_what_it_does_not(scanned: Scanned) -> None:
    group, found = scanned.crew
    squares = {(r.what, r.value): r.stands for r in found.retests}
    kinds = {r.what for r in found.retests}
    assert kinds >= {"search", "window", "chance", "false alarms", "clock", "fewer acts"}
    assert all(stands for (what, _), stands in squares.items() if what == "fewer acts")
    assert squares["window", "10 min"]
    assert not squares["window", "10 s"]  # it spread its acts over ten minutes
    assert squares["chance", "2×"] == (found.rho >= 2)
    assert found.net == group.net


def test_stability_squares_never_contradict_one_another(scanned: Scanned) -> None:
    for found in scanned.findings:
        for what in ("chance", "clock"):
            row = [r.stands for r in found.retests if r.what == what]
            assert row == sorted(row, reverse=True)  # what stands at 2× stands at ½×
        stands = {r.value: r.stands for r in found.retests if r.what == "false alarms"}
        assert stands["1×"]
        assert stands["2×"]


def test_stability_what_barely_stands_falls(scanned: Scanned) -> None:
    run, group = scanned.run, scanned.crew[0]
    bar = -np.log(run.config.false_alarms)
    weak = replace(group, net=bar + 0.1)  # as if its search had cost it nearly all
    told = {(r.what, r.value): r.stands for r in _ask(scanned, weak)}
    assert told["chance", "1×"]
    assert not told["chance", "2×"]
    assert told["false alarms", "1×"]
    assert not told["false alarms", "½×"]
    assert not any(stands for (what, _), stands in told.items() if what == "fewer acts")
    assert "clock" not in {what for what, _ in told}


def test_stability_strangers_do_not_stand(scanned: Scanned) -> None:
    group = scanned.crew[0]
    strangers = np.sort(scanned.field.free[: len(group.members)]).astype(np.int32)
    told = _ask(scanned, replace(group, members=strangers, net=-50.0))
    assert not any(r.stands for r in told if r.what in ("chance", "false alarms", "fewer acts"))


@pytest.mark.parametrize("seconds", [10, 60, 600, 3600, 21600, 86400, 90])
def test_stability_names_windows(seconds: int) -> None:
    told = {10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 21600: "6 h", 86400: "1 d"}
    assert stability._span(seconds) == told.get(seconds, "90 s")
