"""Synchrony: what opens a sitting, which stretch it belongs to, and worlds with known truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import strata
from klieg.pipeline import detect
from klieg.signals.timing import PAUSE, STRETCH, Synchrony, sittings
from klieg.sources import assemble
from klieg.sources.simulate import GENERATORS, simulate
from klieg.tables import SECOND, Finding, Posts

from .worlds import posts_of, row

HOUR = 3600


def acts_of(rows: list[dict[str, object]]) -> list[tuple[str, str]]:
    posts = posts_of(rows)
    found = Synchrony().actions(posts)
    who = posts.account_ids.take(pa.array(found.account)).to_pylist()
    return [(a, found.labels[int(o)].as_py()) for a, o in zip(who, found.object, strict=True)]


def test_timing_an_act_is_the_first_post_after_an_hours_pause() -> None:
    posts = [row("a", t) for t in (0, 600, 4100, 4100 + HOUR - 1, 4100 + 2 * HOUR)]
    assert acts_of(posts) == [
        ("a", "Monday of week 1, 00:00–03:00 UTC"),
        ("a", "Monday of week 1, 03:00–06:00 UTC"),
    ]  # 4100 follows 600 by less than an hour, 7699 follows 4100 by 3,599 s


def test_timing_languages_stretches_and_weeks_are_things_apart() -> None:
    rows = [
        row("a", 0, lang="en"),
        row("b", 5, lang="en"),
        row("c", 9, lang="de"),
        row("d", 3 * HOUR, lang="en"),
        row("e", 7 * 24 * HOUR, lang="en"),
    ]
    labels = [label for _, label in acts_of(rows)]
    assert labels[0] == labels[1] == "Monday of week 1, 00:00–03:00 UTC, en"
    assert len(set(labels)) == 4
    assert labels[-1] == "Monday of week 2, 00:00–03:00 UTC, en"


def test_timing_the_target_is_the_day() -> None:
    found = Synchrony().actions(posts_of([row("a", 0), row("b", 4 * HOUR), row("c", 25 * HOUR)]))
    assert found.target.tolist() == [0, 0, 1]
    assert found.target_labels.to_pylist() == ["Monday of week 1", "Tuesday of week 1"]


def test_timing_nothing_of_no_posts() -> None:
    found = Synchrony().actions(posts_of([]))
    assert found.n == found.n_objects == len(found.target_labels) == 0


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), max_size=60),
)
def test_timing_sittings_are_those_a_plain_loop_finds(acts: list[tuple[int, int]]) -> None:
    acts = sorted(acts, key=lambda x: x[1])
    account = np.array([a for a, _ in acts], np.int32)
    time = np.array([t for _, t in acts], np.int64) * (PAUSE // 6)
    last: dict[int, int] = {}
    expected = []
    for i, (a, t) in enumerate(zip(account.tolist(), time.tolist(), strict=True)):
        if a not in last or t - last[a] >= PAUSE:
            expected.append(i)
        last[a] = t
    assert sittings(account, time).tolist() == expected


def test_timing_pools_are_hours_of_the_day_and_their_own_parents() -> None:
    rng = np.random.default_rng(5)
    day = 24 * HOUR
    rows = [
        row(f"a{i % 300}", float(d * day + h * HOUR + rng.uniform(0, HOUR)), lang="en")
        for i in range(900)
        for d in (0, 1, 5)
        for h in (9, 20)
    ]
    posts = posts_of(rows)
    layers = {"synchrony": Synchrony().actions(posts)}
    for pools in strata.opinions(layers, posts, Config(stratum_actions=200)):
        found = pools["synchrony"]
        assert set(found.names) == {
            f"x · en · {days} {hours} h UTC"
            for days in ("weekdays", "weekends")
            for hours in ("09–12", "18–21")
        }
        assert found.parent.tolist() == list(range(found.size))
        of = dict(zip(layers["synchrony"].labels.to_pylist(), found.object_stratum, strict=True))
        monday, tuesday = (of[f"{d} of week 1, 09:00–12:00 UTC, en"] for d in ("Monday", "Tuesday"))
        assert monday == tuesday != of["Saturday of week 1, 09:00–12:00 UTC, en"]


def found_in(posts: Posts) -> tuple[Finding, ...]:
    config = Config(shuffles=0, threads=1)
    return detect({"synchrony": Synchrony().actions(posts)}, posts, config=config)[0]


@pytest.mark.parametrize("generator", GENERATORS)
def test_timing_a_crew_that_shares_no_words_is_seen_by_its_hours(generator: str) -> None:
    world = simulate(
        seed=3,
        accounts=2500,
        days=14,
        worlds=("paraphrase-crew-10min",),
        generator=generator,  # type: ignore[arg-type]
    )
    posts, _ = assemble([world.posts])
    crew = set(world.truth.groups[0].accounts)
    (finding,) = found_in(posts)
    members = {posts.account_ids[m.account].as_py() for m in finding.members}
    assert len(members & crew) >= 0.6 * len(crew)
    assert len(members & crew) >= 0.9 * len(members)
    # hours alone are no proof of a plan, whatever the numbers
    assert finding.class_ == "suggestive"


@pytest.mark.parametrize("generator", GENERATORS)
def test_timing_a_time_zone_an_evening_and_a_march_are_no_group(generator: str) -> None:
    world = simulate(
        seed=4,
        accounts=2500,
        days=14,
        worlds=("zone-niche", "event-niche", "event", "protest"),
        generator=generator,  # type: ignore[arg-type]
    )
    posts, _ = assemble([world.posts])
    assert found_in(posts) == ()


def test_timing_a_day_is_whole_stretches() -> None:
    assert PAUSE == HOUR * SECOND
    assert (24 * HOUR * SECOND) % STRETCH == 0
