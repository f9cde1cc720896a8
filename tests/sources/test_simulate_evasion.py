"""How campaigns hide: every evasion does what it says, and costs what it says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.errors import ConfigError
from klieg.sources.simulate import (
    CATALOGUE,
    Batch,
    Campaign,
    Evasion,
    Message,
    World,
    below_the_windows,
    grammar,
    simulate,
)
from klieg.sources.simulate.campaigns import KINDS
from klieg.sources.simulate.rewriting import messages
from klieg.sources.simulate.words.sayings import SAYINGS


@cache
def world(campaign: Campaign) -> World:
    return simulate(seed=4, accounts=1200, days=9, campaigns=(campaign,), look_alikes=())


def joint(made: World) -> list[dict[str, Any]]:
    wanted = pa.array(made.truth.groups[0].posts)
    rows: list[dict[str, Any]] = made.posts.filter(
        pc.is_in(made.posts["post_id"], wanted)
    ).to_pylist()
    return rows


def words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.lower()))


@pytest.mark.parametrize("kind", KINDS)
def test_evasion_that_does_nothing_changes_no_post(kind: Any) -> None:
    plain, idle = world(Campaign(kind, 8, 4)), world(Campaign(kind, 8, 4, evasion=Evasion()))
    assert plain.posts.equals(idle.posts)


@pytest.mark.parametrize("language", sorted(SAYINGS))
def test_evasion_sayings_share_no_word(language: str) -> None:
    seen: dict[str, str] = {}
    for bank in SAYINGS[language].values():
        for phrases in bank:
            assert len(phrases) == 11
            for phrase in phrases:
                for word in words(phrase):
                    assert seen.setdefault(word, phrase) == phrase, word


@given(st.integers(0, 40), st.integers(2, 60), st.sampled_from(sorted(SAYINGS)))
def test_evasion_paraphrases_share_one_phrase_at_most(
    seed: int, copies: int, language: str
) -> None:
    message = messages(np.random.default_rng(seed), 12, language)[seed % 3]
    said = grammar(message, copies, language)
    assert len(set(said)) == copies
    for a, b in combinations(said[:11], 2):
        assert not words(a) & words(b)
    phrases = {p: i for s in SAYINGS[language].values() for c in s for i, p in enumerate(c)}
    longest = max(len(words(p)) for p in phrases)
    for a, b in combinations(said, 2):
        assert len(words(a) & words(b)) <= longest


def test_evasion_paraphrased_campaign_shares_no_wording() -> None:
    about = Campaign("copies", 11, 5, evasion=Evasion(paraphrase=1.0))
    texts = [r["text"].lower() for r in joint(world(about))]
    assert len(set(texts)) == 55
    bigrams = [set(zip(t.split(), t.split()[1:], strict=False)) for t in texts]
    near = [len(a & b) / len(a | b) for a, b in combinations(bigrams, 2)]
    assert max(near) < 0.5 and np.mean(np.array(near) > 0.3) < 0.05


def test_evasion_half_paraphrase_keeps_half_alike() -> None:
    about = Campaign("copies", 30, 6, evasion=Evasion(paraphrase=0.5))
    texts = Counter(r["text"].lower() for r in joint(world(about)))
    alike = sum(n for _, n in texts.most_common(6))
    assert 0.35 < alike / sum(texts.values()) < 0.65


def test_evasion_takes_another_rewriter() -> None:
    asked: list[tuple[int, str]] = []

    def shout(message: Message, copies: int, language: str) -> Sequence[str]:
        asked.append((copies, language))
        return [f"{message.number} {language} {i}" for i in range(copies)]

    about = Campaign("copies", 6, 3, evasion=Evasion(paraphrase=1.0, rewriter=shout))
    made = simulate(seed=1, accounts=400, days=5, campaigns=(about,), look_alikes=())
    assert {len(r["text"].split()) for r in joint(made)} == {3}
    assert asked and made.truth.groups[0].parameters["evasion"]["rewriter"] == "shout"

    def short(message: Message, copies: int, language: str) -> Sequence[str]:
        return ["x"]

    lazy = Campaign("copies", 6, 3, evasion=Evasion(paraphrase=1.0, rewriter=short))
    with pytest.raises(ConfigError, match="rewriter"):
        simulate(seed=1, accounts=400, days=5, campaigns=(lazy,), look_alikes=())


def test_evasion_edits_leave_the_core_of_a_copy() -> None:
    rows = joint(world(Campaign("copies", 12, 4, evasion=Evasion(edits=1.0))))
    assert len({r["text"] for r in rows}) > 44
    near = [
        max(
            len(words(r["text"]) & words(s["text"])) / len(words(r["text"]) | words(s["text"]))
            for s in rows
            if s is not r
        )
        for r in rows
    ]
    assert 0.15 < np.median(near) < 0.85


@pytest.mark.parametrize("spacing", [61, 613])
def test_evasion_spacing_keeps_members_apart(spacing: int) -> None:
    made = world(Campaign("repost", 12, 6, jitter_s=1, evasion=Evasion(spacing_s=spacing)))
    times: dict[str, list[float]] = {}
    for r in joint(made):
        times.setdefault(r["repost_of"], []).append(r["time"].timestamp())
    gaps = np.concatenate([np.diff(sorted(t)) for t in times.values()])
    assert gaps.min() >= spacing - 0.002 and np.median(gaps) < 1.2 * spacing


def test_evasion_sits_just_over_the_window_and_within_the_cap() -> None:
    about = below_the_windows(600.0, cap=2, teams=2)
    rows = joint(world(Campaign("repost", 10, 6, evasion=about)))
    acts = Counter((r["account_id"], r["repost_of_account"]) for r in rows)
    assert max(acts.values()) <= 2
    narrow = Evasion(targets=2, per_target=1)
    capped = Counter(
        (r["account_id"], r["repost_of_account"])
        for r in joint(world(Campaign("repost", 10, 6, evasion=narrow)))
    )
    assert set(capped.values()) == {1}


def test_evasion_standing_teams_never_meet() -> None:
    made = world(Campaign("repost", 12, 4, evasion=Evasion(teams=3)))
    rows = joint(made)
    by_object: dict[str, frozenset[str]] = {}
    for o in {r["repost_of"] for r in rows}:
        by_object[o] = frozenset(r["account_id"] for r in rows if r["repost_of"] == o)
    assert len(by_object) == 12
    assert len(set(by_object.values())) == 3 and {len(t) for t in by_object.values()} == {4}
    assert set(Counter(r["account_id"] for r in rows).values()) == {4}


@pytest.mark.parametrize("kind", ["repost", "link", "private links"])
def test_evasion_targets_narrow_the_push(kind: Any) -> None:
    rows = joint(world(Campaign(kind, 8, 4, evasion=Evasion(targets=2))))
    column = [r["repost_of_account"] or r["urls"][0].split("/")[2] for r in rows]
    assert len(set(column)) == 2


def test_evasion_languages_mix_the_members() -> None:
    made = world(Campaign("copies", 12, 4, evasion=Evasion(languages=3, paraphrase=1.0)))
    by_account: dict[str, set[str]] = {}
    for r in joint(made):
        by_account.setdefault(r["account_id"], set()).add(r["lang"])
    assert all(len(x) == 1 for x in by_account.values())
    assert sorted(Counter(min(x) for x in by_account.values()).values()) == [4, 4, 4]


def test_evasion_framing_follows_innocents_who_stay_ordinary() -> None:
    about = Campaign("repost", 10, 5, jitter_s=120, evasion=Evasion(framed=4, framed_acts=5))
    made = world(about)
    campaign, framed = made.truth.groups
    assert framed.label == "framed:repost-1" and len(framed.accounts) == 4
    assert not set(framed.accounts) & set(campaign.accounts)
    assert made.truth.framed == (framed,) and made.truth.look_alikes == ()
    acts: dict[str, list[tuple[str, float]]] = {}
    for r in made.posts.to_pylist():
        if r["repost_of"]:
            acts.setdefault(r["repost_of"], []).append((r["account_id"], r["time"].timestamp()))
    for innocent in framed.accounts:
        followed = 0
        for act in acts.values():
            mine = [t for a, t in act if a == innocent]
            theirs = [t for a, t in act if a in campaign.accounts]
            followed += bool(mine) and sum(0 < t - mine[0] <= 123 for t in theirs) >= 4
        assert followed >= 5
    quiet = simulate(seed=4, accounts=1200, days=9, campaigns=(), look_alikes=())
    kept = made.posts.filter(
        pc.is_in(made.posts["post_id"], quiet.posts["post_id"].combine_chunks())
    )
    assert kept.equals(quiet.posts)


def test_evasion_framing_ahead_comes_first_on_a_share() -> None:
    about = Evasion(framed=2, framed_acts=6, framed_ahead=0.5)
    made = world(Campaign("repost", 10, 5, jitter_s=120, evasion=about))
    campaign, framed = made.truth.groups
    born = {r["post_id"]: r["time"].timestamp() for r in made.posts.to_pylist()}
    acts: dict[str, list[tuple[str, float]]] = {}
    for r in made.posts.to_pylist():
        if r["repost_of"]:
            acts.setdefault(r["repost_of"], []).append((r["account_id"], r["time"].timestamp()))
    first = after = 0
    for post, act in acts.items():
        mine = [t for a, t in act if a in framed.accounts]
        theirs = [t for a, t in act if a in campaign.accounts]
        assert all(t > born[post] for t in theirs)
        near = [t - mine[0] for t in theirs if mine and abs(t - mine[0]) <= 123]
        first += len(near) >= 4 and max(near) < 0
        after += len(near) >= 4 and min(near) > 0
    assert first >= 2 and after >= 2


def test_evasion_framing_popular_takes_what_most_others_share() -> None:
    def company(*, popular: bool) -> float:
        about = Evasion(framed=4, framed_acts=5, framed_popular=popular)
        made = world(Campaign("repost", 8, 5, jitter_s=60, evasion=about))
        campaign, framed = made.truth.groups
        rows = [r for r in made.posts.to_pylist() if r["repost_of"]]
        mine = {r["repost_of"] for r in rows if r["account_id"] in framed.accounts}
        theirs = {r["repost_of"] for r in rows if r["account_id"] in campaign.accounts}
        outside = {*framed.accounts, *campaign.accounts}
        others = [r for r in rows if r["account_id"] not in outside]
        return sum(r["repost_of"] in mine & theirs for r in others) / len(mine & theirs)

    assert company(popular=True) > 1.5 * company(popular=False)


@pytest.mark.parametrize("handles", ["numbered", "stem", "usual"])
def test_evasion_batch_is_made_in_one_go(handles: Any) -> None:
    batch = Batch(within_s=7200, handles=handles, client="Web")
    made = world(Campaign("link", 12, 4, evasion=Evasion(batch=batch)))
    (group,) = made.truth.groups
    rows = [r for r in made.posts.to_pylist() if r["account_id"] in group.accounts]
    created = [r["account"]["created_at"] for r in rows]
    assert (max(created) - min(created)).total_seconds() <= 7201
    assert {r["client"] for r in rows} == {"Web"}
    names = {r["account"]["handle"] for r in rows}
    assert len(names) == 12
    if handles == "numbered":
        assert all(re.fullmatch(r"[a-z]+\d{8}", n) for n in names)
    if handles == "stem":
        assert len({n.rsplit("_", 1)[0] for n in names}) == 1


def test_evasion_instant_and_private_kinds_keep_their_word() -> None:
    made = world(Campaign("instant", 10, 5, jitter_s=60))
    born = dict(zip(made.posts["post_id"].to_pylist(), made.posts["time"].to_pylist(), strict=True))
    ages = [(r["time"] - born[r["repost_of"]]).total_seconds() for r in joint(made)]
    assert min(ages) > 0 and max(ages) <= 65.1
    made = world(Campaign("private links", 10, 5))
    mine = {r["urls"][0] for r in joint(made)}
    sharers = {
        r["account_id"] for r in made.posts.to_pylist() if r["urls"] and r["urls"][0] in mine
    }
    assert sharers == set(made.truth.groups[0].accounts)
    mixed = Counter(
        "repost" if r["repost_of"] else "link" if r["urls"] else "text"
        for r in joint(world(Campaign("mixed", 9, 9)))
    )
    assert set(mixed.values()) == {27}


@pytest.mark.parametrize("name", [n for n, p in CATALOGUE.items() if p.campaigns])
def test_evasion_every_named_crew_can_be_planted_and_repeated(name: str) -> None:
    one, two = (simulate(seed=2, accounts=1500, days=10, worlds=(name,)) for _ in range(2))
    assert one.posts.equals(two.posts) and one.truth == two.truth
    assert len(one.truth.campaigns) == 1 and len(one.truth.campaigns[0].posts) > 50


@pytest.mark.parametrize("delays", ["uniform", "exponential", "log-normal"])
@pytest.mark.parametrize("jitter", [1.0, 7200.0, 86_400.0])
def test_evasion_jitter_reaches_from_a_second_to_a_day(delays: Any, jitter: float) -> None:
    about = Campaign("private links", 60, 4, jitter_s=jitter, delays=delays)
    made = simulate(seed=4, accounts=300, days=16, campaigns=(about,), look_alikes=())
    times: dict[str, list[float]] = {}
    for r in joint(made):
        times.setdefault(r["urls"][0], []).append(r["time"].timestamp())
    late = np.concatenate([np.array(t) - min(t) for t in times.values()])
    middle = {"uniform": 0.5, "exponential": np.log(2), "log-normal": 1.0}[delays] * jitter
    assert 0.5 * middle < np.median(late) < 1.6 * middle


@pytest.mark.parametrize(
    "knobs",
    [{"teams": 0}, {"paraphrase": 1.5}, {"edits": -1}, {"targets": 0}, {"spacing_s": -1}],
)
def test_evasion_refuses_the_impossible(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Evasion(**knobs)


def test_evasion_refuses_to_frame_more_than_there_are() -> None:
    about = Campaign("repost", 5, 3, evasion=Evasion(framed=500))
    with pytest.raises(ConfigError, match="framed"):
        simulate(seed=4, accounts=300, days=5, campaigns=(about,), look_alikes=())
    with pytest.raises(ConfigError):
        Batch(handles="odd")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="crew"):
        simulate(worlds=("crew-2h",))
