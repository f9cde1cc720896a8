"""Look-alike worlds keep their word: each kind does what its name says, and nobody else moves."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from klieg.sources.simulate import CATALOGUE, LookAlike, World, simulate
from klieg.sources.simulate.lookalikes import KINDS


@cache
def world(kind: Any, size: int = 24, acts: int = 10, **knobs: Any) -> World:
    planted = LookAlike(kind, size, acts, **knobs)
    return simulate(seed=4, accounts=900, days=8, campaigns=(), look_alikes=(planted,))


def joint(made: World) -> list[dict[str, Any]]:
    wanted = pa.array(made.truth.groups[0].posts)
    rows: list[dict[str, Any]] = made.posts.filter(
        pc.is_in(made.posts["post_id"], wanted)
    ).to_pylist()
    return rows


def seconds(rows: list[dict[str, Any]]) -> np.ndarray[Any, Any]:
    return np.array([r["time"].timestamp() for r in rows])


@pytest.mark.parametrize("kind", KINDS)
def test_look_alikes_leave_the_ordinary_part_alone_and_refer_to_older_posts(kind: Any) -> None:
    quiet, made = simulate(seed=4, accounts=900, days=8, campaigns=(), look_alikes=()), world(kind)
    rest = made.posts.filter(
        pc.is_in(made.posts["post_id"], quiet.posts["post_id"].combine_chunks())
    )
    assert rest.equals(quiet.posts)
    (group,) = made.truth.groups
    rows = joint(made)
    assert len(rows) == len(group.posts) > 0
    assert {r["account_id"] for r in rows} <= set(group.accounts)
    born = dict(zip(made.posts["post_id"].to_pylist(), made.posts["time"].to_pylist(), strict=True))
    for r in rows:
        for column in ("repost_of", "reply_to"):
            assert r[column] is None or born[r[column]] <= r["time"]
    assert made.posts.equals(
        simulate(
            seed=4, accounts=900, days=8, campaigns=(), look_alikes=(LookAlike(kind, 24, 10),)
        ).posts
    )


def test_look_alikes_every_catalogue_name_plants_what_it_says() -> None:
    kinds = {a.kind for p in CATALOGUE.values() for a in p.look_alikes}
    assert kinds == set(KINDS)
    assert all(p.about for p in CATALOGUE.values())
    assert not CATALOGUE["quiet"].campaigns and not CATALOGUE["quiet"].look_alikes


def test_look_alikes_fans_of_several_follow_six_authors_within_minutes() -> None:
    made = world("fans of several", sources=6)
    rows = joint(made)
    authors = Counter(r["repost_of_account"] for r in rows)
    assert 4 <= len(authors) <= 6
    assert not set(authors) & set(made.truth.groups[0].accounts)
    assert 25 < np.median(_ages(made, rows)) < 90


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("fast niche", 60, 400), ("alert niche", 20, 90), ("plain niche", 600, 40_000)],
)
def test_look_alikes_niches_have_their_pace(kind: Any, low: float, high: float) -> None:
    made = world(kind)
    assert low < np.median(_ages(made, joint(made))) < high


def _ages(made: World, rows: list[dict[str, Any]]) -> list[float]:
    born = dict(zip(made.posts["post_id"].to_pylist(), made.posts["time"].to_pylist(), strict=True))
    return [(r["time"] - born[r["repost_of"]]).total_seconds() for r in rows]


def test_look_alikes_zone_niche_is_up_at_the_same_hours() -> None:
    def spread(kind: Any) -> float:
        hours = seconds(joint(world(kind))) / 3600 % 24 / 24 * 2 * np.pi
        return float(abs(np.exp(1j * hours).mean()))

    assert spread("time-zone niche") > spread("plain niche")


def test_look_alikes_event_niche_acts_on_evenings_only() -> None:
    rows = joint(world("event niche"))
    hours = np.unique((seconds(rows) // 3600).astype(int))
    assert len(hours) < 40  # of 192


def test_look_alikes_group_chat_passes_on_within_the_hour() -> None:
    made = world("group chat")
    times: dict[str, list[float]] = {}
    for r in joint(made):
        times.setdefault(r["repost_of"], []).append(r["time"].timestamp())
    assert max(max(t) - min(t) for t in times.values()) <= 3600
    assert len(times) > 10
    everyone = Counter(made.posts["repost_of"].to_pylist())
    assert all(everyone[o] - len(t) >= 4 for o, t in times.items())  # others were there too


@pytest.mark.parametrize("kind", ["petition", "disaster appeal", "sports chant", "prayer app"])
def test_look_alikes_copied_texts_are_copied_letter_by_letter(kind: Any) -> None:
    rows = joint(world(kind))
    texts = Counter(r["text"].lower().split(" http")[0] for r in rows)
    assert len(rows) / len(texts) > 3


def test_look_alikes_chant_answers_each_goal_within_minutes() -> None:
    times: dict[str, list[float]] = {}
    for r in joint(world("sports chant")):
        times.setdefault(r["text"].lower(), []).append(r["time"].timestamp())
    assert all(max(t) - min(t) < 400 for t in times.values())
    assert all(len(r["hashtags"]) == 3 for r in joint(world("sports chant")))


def test_look_alikes_prayer_app_posts_at_the_hour_of_each_zone() -> None:
    assert (seconds(joint(world("prayer app"))) % 3600 < 3).all()


def test_look_alikes_weather_is_at_the_hour_with_own_figures() -> None:
    rows = joint(world("weather service"))
    assert (seconds(rows) % 3600 < 5).all()
    assert len({r["text"] for r in rows}) > 0.9 * len(rows)
    assert {r["client"] for r in rows} == {"Station"}


def test_look_alikes_quakes_share_text_and_link_within_minutes() -> None:
    pages: dict[str, list[dict[str, Any]]] = {}
    for r in joint(world("quake service")):
        pages.setdefault(r["urls"][0].split("?")[0], []).append(r)
    assert len(pages) == 10
    for rows in pages.values():
        assert len({r["text"].lower() for r in rows}) == 1
        assert np.median(seconds(rows) - seconds(rows).min()) < 180


def test_look_alikes_office_posts_in_slots_with_own_words() -> None:
    rows = joint(world("office scheduler"))
    assert (seconds(rows) % 900 <= 2.1).all()
    assert {r["client"] for r in rows} == {"Scheduler"}
    assert len({r["text"] for r in rows}) > 0.95 * len(rows)
    assert len({r["urls"][0].split("/")[2] for r in rows}) > 5


def test_look_alikes_fact_checkers_reply_with_one_debunk() -> None:
    rows = joint(world("fact-checkers", 7, 4))
    assert {r["kind"] for r in rows} == {"reply"}
    assert len({r["urls"][0].split("?")[0] for r in rows}) == 4
    assert len({r["reply_to"] for r in rows}) > 20


def test_look_alikes_giveaway_has_shops_and_passers_by() -> None:
    made = world("giveaway")
    (group,) = made.truth.groups
    rows = joint(made)
    shops = {r["repost_of_account"] for r in rows if r["kind"] == "repost"}
    assert len(shops) == 10 and not shops & set(group.accounts)
    offers = {r["repost_of"] for r in rows if r["kind"] == "repost"}
    everyone = made.posts.filter(pc.is_in(made.posts["repost_of"], pa.array(sorted(offers))))
    assert len(set(everyone["account_id"].to_pylist()) - set(group.accounts)) > 20


@pytest.mark.parametrize("kind", ["employee advocacy", "party branches"])
def test_look_alikes_head_offices_are_copied_and_reposted(kind: Any) -> None:
    rows = joint(world(kind))
    reposts = [r for r in rows if r["kind"] == "repost"]
    assert len({r["repost_of_account"] for r in reposts}) == 1 and len(reposts) > 10
    assert len({r["urls"][0].split("/")[2] for r in rows if r["urls"]}) == 1


def test_look_alikes_protest_is_one_day_with_standing_tags() -> None:
    rows = joint(world("protest day", 200, 5))
    times = seconds(rows)
    assert np.percentile(times, 97) - np.percentile(times, 3) < 14 * 3600
    sets = Counter(tuple(r["hashtags"]) for r in rows if r["kind"] == "post" and r["hashtags"])
    assert len(sets) == 5 and all(len(s) == 3 and s[0] == "EnoughNow" for s in sets)


def test_look_alikes_bridges_carry_posts_over_seconds_later() -> None:
    made = world("bridged accounts", 20, 12)
    rows = joint(made)
    assert Counter(r["platform"] for r in rows) == {"x": 120, "bluesky": 120}
    texts: dict[str, list[dict[str, Any]]] = {}
    for r in rows:
        texts.setdefault(r["text"], []).append(r)
    lag = [seconds(v).max() - seconds(v).min() for v in texts.values() if len(v) == 2]
    assert len(lag) > 100 and 3 < np.median(lag) < 12


def test_look_alikes_mirror_is_led_by_one_account() -> None:
    made = world("mirror", 3, 40)
    first: Counter[str] = Counter()
    seen: set[str] = set()
    for r in joint(made):
        if r["text"] not in seen:
            seen.add(r["text"])
            first[r["account_id"]] += 1
    assert len(first) == 1


def test_look_alikes_import_stamps_years_with_one_evening() -> None:
    rows = joint(world("archive import"))
    assert seconds(rows).max() - seconds(rows).min() < 2 * 3600
    assert {r["client"] for r in rows} == {"Importer"}
    assert Counter(r["urls"][0] for r in rows).most_common(1)[0][1] >= 4


def test_look_alikes_crawl_stamps_are_the_crawlers() -> None:
    made = world("crawl stamps", 60, 10)
    (group,) = made.truth.groups
    mine = made.posts.filter(pc.is_in(made.posts["account_id"], pa.array(group.accounts)))
    assert mine.num_rows == len(group.posts) > 200
    assert (seconds(mine.to_pylist()) % 21_600 <= 60).all()


def test_look_alikes_migrants_are_new_alike_and_silent_before() -> None:
    made = world("migration wave", 40, 2)
    (group,) = made.truth.groups
    mine = made.posts.filter(pc.is_in(made.posts["account_id"], pa.array(group.accounts)))
    created = [r["account"]["created_at"] for r in mine.to_pylist()]
    assert all(c <= r["time"] for c, r in zip(created, mine.to_pylist(), strict=True))
    assert (max(created) - min(created)).days < 5
    assert all(r["account"]["handle"][-8:].isdigit() for r in mine.to_pylist())


def test_look_alikes_small_language_is_spoken_by_nobody_else() -> None:
    made = world("small language", 60, 15)
    (group,) = made.truth.groups
    tongue = made.posts.filter(pc.equal(made.posts["lang"], "qaa"))
    assert set(tongue["account_id"].to_pylist()) <= set(group.accounts)
    assert len({u.split("/")[2] for r in tongue.to_pylist() for u in r["urls"] or ()}) == 4
