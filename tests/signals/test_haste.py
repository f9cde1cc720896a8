"""Fast reposts: what is hasty, whose posts, and worlds with known truth."""

from __future__ import annotations

import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.pipeline import detect
from klieg.signals.haste import FastReposts
from klieg.signals.sharing import repost
from klieg.sources import assemble
from klieg.sources.simulate import GENERATORS, simulate
from klieg.tables import Actions, Finding, Posts

from .worlds import posts_of, row


def repost_of(account: str, seconds: float, post: str, **more: object) -> dict[str, object]:
    return row(account, seconds, kind="repost", repost_of=post, **more)


def acts_of(rows: list[dict[str, object]]) -> list[tuple[str, str]]:
    posts = posts_of(rows)
    found = FastReposts().actions(posts)
    who = posts.account_ids.take(pa.array(found.account)).to_pylist()
    return [(a, found.labels[int(o)].as_py()) for a, o in zip(who, found.object, strict=True)]


POST = row("author", 0, post_id="p")


def test_haste_is_told_by_author_and_class_of_seconds() -> None:
    rows = [POST, repost_of("a", 4, "p"), repost_of("b", 10, "p"), repost_of("c", 40, "p")]
    assert acts_of(rows) == [
        ("a", "author within 10 s"),
        ("b", "author within 10 s"),
        ("c", "author within 60 s"),
    ]


def test_haste_accounts_meet_on_an_author_without_ever_sharing_a_post() -> None:
    rows = [POST, row("author", 90, post_id="q"), repost_of("a", 4, "p"), repost_of("b", 95, "q")]
    found = FastReposts().actions(posts_of(rows))
    assert found.object.tolist() == [0, 0]
    assert found.target_labels.to_pylist() == ["author"]


def test_haste_a_slow_repost_meets_nobody_and_still_counts() -> None:
    rows = [POST, repost_of("a", 4, "p"), repost_of("b", 600, "p"), repost_of("c", 700, "p")]
    found = FastReposts().actions(posts_of(rows))
    assert found.n == 3
    assert found.n_objects == 3
    assert found.target.tolist() == [0, -1, -1]


def test_haste_nothing_where_nobody_was_hasty() -> None:
    assert acts_of([POST, repost_of("b", 600, "p")]) == []
    assert acts_of([]) == []


@pytest.mark.parametrize(
    "rows",
    [
        [repost_of("a", 4, "p", repost_of_account="author")],  # when p was made is not known
        [row("author", 9, post_id="p"), repost_of("a", 4, "p")],  # before it was made
        [POST, repost_of("author", 4, "p")],  # one's own
        [POST, repost_of("a", 4, "p", resolution=60)],  # a clock of minutes cannot tell
    ],
)
def test_haste_is_not_guessed(rows: list[dict[str, object]]) -> None:
    rows = [*rows, row("other", 100, post_id="z"), repost_of("h", 101, "z")]
    assert acts_of(rows) == [("h", "other within 10 s")]


def test_haste_an_id_tells_when_a_post_that_was_not_read_was_made() -> None:
    def flake(seconds: float) -> str:  # posts start at 1 January 2024
        return str(int(1_704_067_200_000 + seconds * 1000 - 1_288_834_974_657) << 22)

    rows = [
        repost_of("a", 60, flake(57), repost_of_account="author", post_id=flake(60)),
        repost_of("b", 300, flake(280), repost_of_account="author", post_id=flake(300)),
    ]
    assert acts_of(rows) == [("a", "author within 10 s"), ("b", "author within 60 s")]
    for one in rows:
        one["post_id"] = f"id {one['account_id']}"
    assert acts_of(rows) == []  # ids that tell nothing of their own posts are not believed


def world(name: str, generator: str, seed: int) -> tuple[Posts, set[str]]:
    made = simulate(seed=seed, accounts=3500, days=14, worlds=(name,), generator=generator)  # type: ignore[arg-type]
    names = made.truth.groups[0].accounts if made.truth.groups else ()
    return assemble([made.posts])[0], set(names)


def found_in(posts: Posts, *actions: Actions) -> tuple[Finding, ...]:
    layers = {a.signal: a for a in actions}
    return detect(layers, posts, config=Config(shuffles=0, threads=1))[0]


@pytest.mark.parametrize(("generator", "seed"), [("attention", 1), ("feeds", 1)])
def test_haste_a_relay_that_shares_no_post_is_seen_by_haste_alone(
    generator: str, seed: int
) -> None:
    posts, crew = world("relay-crew", generator, seed)

    def of_the_crew(found: tuple[Finding, ...]) -> list[Finding]:
        ids = [{posts.account_ids[m.account].as_py() for m in f.members} for f in found]
        return [f for f, i in zip(found, ids, strict=True) if len(i & crew) >= 0.6 * len(crew)]

    assert of_the_crew(found_in(posts, repost(Config()).actions(posts))) == []
    (finding,) = of_the_crew(found_in(posts, FastReposts().actions(posts)))
    assert finding.class_ in ("suggestive", "amplification")


@pytest.mark.parametrize("generator", GENERATORS)
def test_haste_is_silent_where_nobody_planned_anything(generator: str) -> None:
    posts, _ = world("quiet", generator, 5)
    actions = FastReposts().actions(posts)
    assert actions.n > 1000
    assert found_in(posts, actions) == ()
