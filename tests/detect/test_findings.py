"""Findings end to end on hand-made worlds: classes, evidence, counter-evidence, invariances."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from klieg.config import Config
from klieg.detect import bands, bursts, findings, multiplex
from klieg.sockets import Engine, make
from klieg.tables import (
    MULTIPLEX,
    POSTS,
    SECOND,
    Actions,
    Finding,
    Group,
    Layer,
    Network,
    Posts,
    Strata,
)

HOUR, DAY, WEEK = 3600.0, 86_400.0, 7 * 86_400.0
START = 1_700_006_400  # midnight UTC
CONFIG = Config()


@dataclass
class World:
    """Acts (signal, account, object, author, seconds, url) that become posts, one an act."""

    accounts: int
    acts: list[tuple[str, int, str, str | None, float, str | None]] = field(default_factory=list)
    shift: float = 0.0
    platform: str = "x"
    resolution: int = 1

    def add(
        self,
        signal: str,
        account: int,
        thing: str,
        author: str | None,
        at: float,
        url: str | None = None,
    ) -> None:
        self.acts.append((signal, account, thing, author, at, url))

    def build(self, engine: Engine) -> tuple[Network, Posts]:
        acts = sorted(self.acts, key=lambda a: (a[4], a[0], a[2], a[1]))
        n = len(acts)
        columns = {f.name: pa.nulls(n, f.type) for f in POSTS}
        columns["urls"] = pa.array([[a[5]] if a[5] else None for a in acts], pa.list_(pa.string()))
        time = np.array([int((START + self.shift + a[4]) * SECOND) for a in acts], np.int64)
        posts = Posts(
            pa.table(columns),
            np.array([a[1] for a in acts], np.int32),
            time,
            pa.array([f"account {i}" for i in range(self.accounts)]),
            pa.array([self.platform] * self.accounts),
            self.resolution,
        )
        layers = {s: _actions(s, acts, posts) for s in dict.fromkeys(a[0] for a in acts)}
        strata = {s: _one_pool(a) for s, a in layers.items()}
        if len(layers) > 1:
            layers[MULTIPLEX], strata[MULTIPLEX] = multiplex.combine(layers, strata)
        net = {s: Layer(a, strata[s], None, None) for s, a in layers.items()}  # type: ignore[arg-type]
        return Network(net, strata, ()), posts


def _actions(signal: str, acts: list[Any], posts: Posts) -> Actions:
    rows = [i for i, a in enumerate(acts) if a[0] == signal]
    things = list(dict.fromkeys(acts[i][2] for i in rows))
    authors = list(dict.fromkeys(acts[i][3] for i in rows if acts[i][3]))
    return Actions(
        signal,
        posts.account[rows],
        np.array([things.index(acts[i][2]) for i in rows], np.int32),
        posts.time[rows],
        np.array(rows, np.int64),
        np.array([authors.index(acts[i][3]) if acts[i][3] else -1 for i in rows], np.int32),
        pa.array(things, pa.string()),
        pa.array(authors, pa.string()),
        posts.n_accounts,
    )


def _one_pool(actions: Actions) -> Strata:
    return Strata(np.zeros(actions.n_objects, np.int32), np.zeros(1, np.int32), ("all",), ("all",))


def _group(
    net: Network, members: list[int], engine: Engine, *, layer: str | None = None, **more: Any
) -> Group:
    """The group as a search would hand it over, weighed over all layers."""
    who = np.array(sorted(members), np.int32)
    n = next(iter(net.layers.values())).actions.n_accounts
    cells = {
        name: bursts.log_evidence(bursts.prepare(x.actions, x.strata, CONFIG, engine), who)
        for name, x in net.layers.items()
    }
    home = layer or max(cells, key=lambda name: cells[name].max())
    w, offset, _ = np.unravel_index(cells[home].argmax(), cells[home].shape)
    log_e = bursts.log_mean_exp(np.stack(list(cells.values())))
    known: dict[str, Any] = {
        "members": who,
        "layer": home,
        "window": CONFIG.windows_s[int(w)],
        "offset": bursts.OFFSETS[int(offset)],
        "net": log_e - bursts.price(n, len(who)),
        "log_e": log_e,
        "by_layer": {name: bursts.log_mean_exp(c) for name, c in cells.items()},
        "drops": np.ones(len(who)),
        "rho": 2.0,
        "found_in": (f"{home} 600 s",),
        "stability": {"stands_with_interest": 1, "stands_without_interest": 1},
    }
    return Group(**(known | more))


def _judge(world: World, members: list[int], engine: Engine, **more: Any) -> Finding:
    net, posts = world.build(engine)
    group = _group(net, members, engine, **more)
    (found,) = findings.judge([group], net, posts, CONFIG, engine)
    return found


@pytest.fixture(scope="module")
def engine() -> Engine:
    made: Engine = make("engines", "cpu", CONFIG)
    return made


def _crowd(seed: int, *, accounts: int = 500, things: int = 260, signal: str = "repost") -> World:
    """Everybody else: things drawn by 8 to 24 accounts, minutes to a day after they appear."""
    rng = np.random.default_rng(seed)
    world = World(accounts)
    for i in range(things):
        born = float(rng.uniform(0, 12 * DAY))
        who = rng.choice(np.arange(40, accounts), int(rng.integers(8, 25)), replace=False)
        for a in who:
            at = born + float(rng.lognormal(9.2, 1.2))
            world.add(signal, int(a), f"{signal} {i}", f"author {i % 130}", at)
    return world


def _born(world: World, signal: str) -> dict[str, float]:
    first: dict[str, float] = {}
    for s, _, thing, _, at, _ in world.acts:
        if s == signal:
            first[thing] = min(at, first.get(thing, at))
    return first


def _alone(world: World, members: range, rng: Any, signal: str = "repost") -> None:
    """What members do without each other, so that their own pace is known."""
    born = _born(world, signal)
    free = [t for t in born if t not in {x[2] for x in world.acts if x[1] in members}]
    for n, a in enumerate(members):
        for thing in free[n * 4 : n * 4 + 4]:
            at = born[thing] + float(rng.lognormal(9.2, 1.2))
            world.add(signal, a, thing, f"author {int(thing.split()[1]) % 130}", at)


def _crew(
    seed: int,
    *,
    size: int = 12,
    jitter: float = 240.0,
    things: int = 20,
    crowd: World | None = None,
) -> World:
    rng = np.random.default_rng(seed)
    world = crowd or _crowd(seed)
    born = _born(world, "repost")
    for thing in list(born)[:things]:
        at = born[thing] + float(rng.uniform(1, 8)) * HOUR
        author = f"author {int(thing.split()[1]) % 130}"
        for a in range(size):
            world.add("repost", a, thing, author, at + float(rng.uniform(0, jitter)))
    _alone(world, range(size), rng)
    return world


def test_findings_a_crew_is_coordinated(engine: Engine) -> None:
    found = _judge(_crew(1), list(range(12)), engine)
    assert (found.class_, found.subclass) == ("coordinated", "")
    assert found.earned and found.earned.of == bands.packaged().clean[found.earned.kind]
    # counts decide: likely as soon as the packaged ones allow it, and never more in sample
    assert found.band == ("likely" if found.earned.upper <= 0.01 else "notable")
    assert any(s.startswith(f"Of {found.earned.of:,} groups") for s in found.counter_evidence)
    assert found.look_alike is None
    assert found.signals == ("repost",)
    assert found.clock and min(found.clock.event[1], found.clock.habit[1]) >= 1.5
    assert found.breadth and found.breadth.net_without_two > 4.6
    assert re.fullmatch(r"f-[0-9a-f]{12}", found.id)
    assert found.q < 1e-6 and found.net > 4.6


def test_findings_evidence_can_be_counted_again(engine: Engine) -> None:
    world = _crew(1)
    net, posts = world.build(engine)
    group = _group(net, list(range(12)), engine)
    (found,) = findings.judge([group], net, posts, CONFIG, engine)
    members = set(range(12))
    assert {int(posts.account[p]) for p in found.posts} <= members
    assert list(found.posts) == sorted(set(found.posts))
    assert sum(m.posts for m in found.members) == len(found.posts)
    assert found.start == posts.time[found.posts[0]] and found.end == posts.time[found.posts[-1]]
    for act in found.joint_acts:
        assert len(act.posts) == act.members >= 2
        assert act.actors >= act.members and act.weight > 0
        assert set(act.posts) <= set(found.posts)
        time = posts.time[list(act.posts)]
        assert np.all(np.diff(time) >= 0) and np.ptp(time) <= found.window * SECOND
    assert found.observed == sum(a.members - 1 for a in found.joint_acts)
    assert 0 <= found.expected < found.observed / 10
    weights = [a.weight for a in found.joint_acts]
    assert weights == sorted(weights, reverse=True)
    ladder = {w.seconds: w for w in found.windows}
    assert tuple(ladder) == CONFIG.windows_s
    # 20 things of 20 authors: every pair met on each within 10 min
    assert ladder[600].observed == 20 * 66
    assert ladder[600].expected < 20 and ladder[600].p < 1e-9


def test_findings_fans_are_amplification(engine: Engine) -> None:
    rng = np.random.default_rng(3)
    world = _crowd(3)
    for j in range(40):
        born = float(rng.uniform(0, 12 * DAY))
        for a in list(range(12)) + list(rng.integers(40, 500, 5)):
            at = born + float(rng.lognormal(4, 0.7))
            world.add("repost", int(a), f"star {j}", "the star", at)
    _alone(world, range(12), rng)
    found = _judge(world, list(range(12)), engine)
    assert (found.class_, found.subclass) == ("amplification", "one source")
    assert found.breadth and found.breadth.top_targets[0][0] == "the star"
    assert found.breadth.effective_targets < 1.5
    assert found.band == "notable"
    assert any("fans of a source look exactly like this" in s for s in found.counter_evidence)


def test_findings_a_shared_interest_is_a_look_alike(engine: Engine) -> None:
    """Members pick the same things of a niche, each in its own time."""
    rng = np.random.default_rng(4)
    world = _crowd(4)
    for j in range(60):
        born = float(rng.uniform(0, 12 * DAY))
        chosen = [a for a in range(14) if rng.random() < 0.75]
        for a in chosen + list(rng.choice(np.arange(40, 500), 4, replace=False)):
            at = born + float(rng.lognormal(9.2, 1.2))
            world.add("repost", int(a), f"niche {j}", f"niche author {j % 20}", at)
    _alone(world, range(14), rng)
    found = _judge(world, list(range(14)), engine)
    assert found.net > 4.6
    assert found.class_ == "look-alike"
    assert found.look_alike and found.look_alike.kind == "shared interest"


def test_findings_private_things_stay_suggestive(engine: Engine) -> None:
    rng = np.random.default_rng(5)
    world = _crowd(5, signal="link")
    for j in range(20):
        at = float(rng.uniform(0, 12 * DAY))
        for a in range(12):
            world.add("link", a, f"private {j}", f"p{j}.example", at + float(rng.uniform(0, 900)))
    _alone(world, range(12), rng, "link")
    found = _judge(world, list(range(12)), engine)
    assert (found.class_, found.subclass) == ("suggestive", "private objects")
    assert found.breadth and found.breadth.private_share > 0.8


def _texts(
    seed: int, *, size: int, spread: float, urls: Any = None, things: int = 14, others: int = 1500
) -> World:
    """Copies by a few among the reposts, links and single texts of many."""
    rng = np.random.default_rng(seed)
    world = _crowd(seed, signal="link")
    for k in range(others):
        a = int(rng.integers(40, 500))
        world.add("copies", a, f"own text {k}", None, float(rng.uniform(0, 14 * DAY)))
    for j in range(things):
        at = float(rng.uniform(0, 12 * DAY))
        for a in range(size):
            url = urls(a, j) if urls else None
            world.add("copies", a, f"text {j}", None, at + float(rng.uniform(0, spread)), url)
    return world


def test_findings_copies_in_minutes_are_coordinated(engine: Engine) -> None:
    found = _judge(_texts(6, size=12, spread=600), list(range(12)), engine)
    assert (found.class_, found.signals[0]) == ("coordinated", "copies")
    assert "on one link" in " ".join(found.counter_evidence)


def test_findings_copies_at_independent_times_are_a_template(engine: Engine) -> None:
    found = _judge(_texts(6, size=12, spread=20 * HOUR), list(range(12)), engine)
    assert found.class_ == "look-alike"
    assert found.look_alike and found.look_alike.kind == "template"


def test_findings_outlets_are_brands_or_a_wire(engine: Engine) -> None:
    own = _texts(7, size=14, spread=600, urls=lambda a, j: f"https://www.paper{a}.example/{j}")
    found = _judge(own, list(range(14)), engine)
    assert found.look_alike and found.look_alike.kind == "syndication"
    one = _texts(7, size=7, spread=600, urls=lambda a, j: f"https://brand.example/{a}/{j}")
    found = _judge(one, list(range(7)), engine)
    assert found.look_alike and found.look_alike.kind == "one brand"


def test_findings_a_mirror_is_typed(engine: Engine) -> None:
    rng = np.random.default_rng(8)
    world = _texts(8, size=0, spread=0, others=6000)
    for j in range(80):
        at = float(rng.uniform(0, 12 * DAY))
        for a in range(3):
            world.add("copies", a, f"mirrored {j}", None, at + a * 9 + float(rng.uniform(0, 2)))
    found = _judge(world, [0, 1, 2], engine)
    assert found.look_alike and found.look_alike.kind == "mirror"


def test_findings_an_account_list_is_not_judged(engine: Engine) -> None:
    world = _crew(9, crowd=World(14))
    rng = np.random.default_rng(9)
    for j in range(60):
        for a in range(12):
            world.add(
                "repost", a, f"thing {j}", f"author {j}", j * HOUR + float(rng.uniform(0, 99))
            )
        world.add("repost", 12 + j % 2, f"thing {j}", f"author {j}", j * HOUR)
    found = _judge(world, list(range(12)), engine)
    assert (found.class_, found.band) == ("abstain", "insufficient data")
    assert "groups hold" in found.subclass


def test_findings_too_few_acts_or_too_coarse_a_clock_are_not_judged(engine: Engine) -> None:
    few = _judge(_crew(10, things=4), list(range(12)), engine)
    assert (few.class_, few.band) == ("abstain", "insufficient data")
    assert "joint acts" in few.subclass
    daily = _crew(10)
    daily.resolution = int(DAY)
    assert _judge(daily, list(range(12)), engine).class_ == "abstain"


def test_findings_a_second_signal_raises_what_the_first_left_open(engine: Engine) -> None:
    """Private links alone are suggestive; the same crew's copies within minutes raise them."""
    rng = np.random.default_rng(11)
    world = _texts(11, size=12, spread=600)
    for j in range(30):
        at = float(rng.uniform(0, 12 * DAY))
        for a in range(12):
            world.add("link", a, f"private {j}", f"p{j}.example", at + float(rng.uniform(0, 900)))
    _alone(world, range(12), rng, "link")
    found = _judge(world, list(range(12)), engine, layer="link")
    assert found.class_ == "coordinated"
    assert set(found.signals) == {"link", "copies"}
    assert any("copies, which decided" in s for s in found.counter_evidence)


def test_findings_a_mixed_crew_is_read_over_its_signals(engine: Engine) -> None:
    world = _texts(12, size=12, spread=600, things=9)
    for signal, account, thing, author, at, url in _crew(12, things=12).acts:
        world.add(signal, account, thing, author, at, url)
    found = _judge(world, list(range(12)), engine, layer=MULTIPLEX)
    assert found.class_ == "coordinated"
    assert set(found.signals) == {"copies", "repost"}
    assert {a.signal for a in found.joint_acts} == {"copies", "repost"}
    assert any("several signals" in s for s in found.counter_evidence)


def test_findings_strangers_are_not_accused_with_a_crew(engine: Engine) -> None:
    """A crew's copies found together with a circle of reposters: only the crew is coordinated."""
    rng = np.random.default_rng(17)
    world = _texts(17, size=12, spread=600)
    for j in range(40):
        born = float(rng.uniform(0, 12 * DAY))
        for a in [a for a in range(12, 24) if rng.random() < 0.7]:
            at = born + float(rng.lognormal(9.2, 1.2))
            world.add("repost", a, f"niche {j}", f"niche author {j % 20}", at)
    for a in rng.integers(40, 500, 2000):
        world.add("repost", int(a), f"r {int(rng.integers(400))}", None, float(rng.uniform(0, 1e6)))
    found = _judge(world, list(range(24)), engine, layer=MULTIPLEX)
    assert found.class_ == "coordinated"
    assert [m.account for m in found.members] == list(range(12))
    assert found.signals == ("copies",) and found.net > 4.6 and found.rho > 1
    assert all(m.evidence > 0 for m in found.members)
    assert found.sentence.startswith("These 12 accounts posted the same 14 texts")


def _crew_in_a_circle() -> World:
    """Twelve within minutes of each other, and ten of their circle on the same things."""
    world = _crew(23)
    rng = np.random.default_rng(23)
    for thing, born in list(_born(world, "repost").items())[:40]:
        author = f"author {int(thing.split()[1]) % 130}"
        for a in [a for a in range(12, 22) if rng.random() < 0.5]:
            world.add("repost", a, thing, author, born + float(rng.lognormal(9.6, 1.0)))
    return world


def test_findings_a_circle_is_not_accused_with_the_crew_in_it(engine: Engine) -> None:
    """Twelve speak for twenty-two by their clock: only the twelve are named."""
    found = _judge(_crew_in_a_circle(), list(range(22)), engine)
    assert found.class_ == "coordinated"
    assert [m.account for m in found.members] == list(range(12))
    assert found.net > 4.6


def test_findings_two_groups_that_narrow_down_to_one_crew_are_one(engine: Engine) -> None:
    net, posts = _crew_in_a_circle().build(engine)
    both = [_group(net, list(range(n)), engine) for n in (12, 22)]
    found = findings.judge(both, net, posts, CONFIG, engine)
    assert [len(f.members) for f in found] == [12]


def test_findings_flat_pools_alone_are_only_notable(engine: Engine) -> None:
    flat = {"stands_with_interest": 0, "stands_without_interest": 1}
    found = _judge(_crew(1), list(range(12)), engine, stability=flat)
    assert (found.class_, found.band) == ("coordinated", "notable")
    assert any("without interest pools" in s for s in found.counter_evidence)


def test_findings_say_what_speaks_against_them(engine: Engine) -> None:
    worlds = [
        (_crew(1), 12),
        (_texts(6, size=12, spread=600), 12),
        (_texts(8, size=3, spread=60), 3),
    ]
    for world, size in worlds:
        found = _judge(world, list(range(size)), engine)
        assert len(found.counter_evidence) >= 2
        words = " ".join([found.sentence, *found.counter_evidence]).casefold()
        for never in ("bot", "troll", "fake", "guilty", "inauthentic", "manipulat"):
            assert never not in words
        assert all(s.endswith(".") for s in found.counter_evidence)
        assert found.sentence.startswith(f"These {size} accounts ")
    coordinated = _judge(_crew(1), list(range(12)), engine)
    assert any("private channel" in s for s in coordinated.counter_evidence)
    assert any("same posts in which the group was found" in s for s in coordinated.counter_evidence)


def test_findings_one_hand_on_several_pages_is_remarked(engine: Engine) -> None:
    world = _crew(1, jitter=120)
    assert not any(
        "one person" in s for s in _judge(world, list(range(12)), engine).counter_evidence
    )
    world.platform = "facebook"
    found = _judge(world, list(range(12)), engine)
    assert found.gap_rhythm["3_to_60_s"] > 0.5
    assert any("Possibly one person" in s for s in found.counter_evidence)


def test_findings_rhythm_of_the_same_second(engine: Engine) -> None:
    found = _judge(_crew(13, jitter=0.5), list(range(12)), engine)
    assert found.gap_rhythm["same_second"] > 0.9
    assert found.gap_rhythm["median"] < 1


def test_findings_weeks_shift_nothing_but_the_times(engine: Engine) -> None:
    before = _judge(_crew(14), list(range(12)), engine)
    later = _crew(14)
    later.shift = 3 * WEEK
    after = _judge(later, list(range(12)), engine)
    moved = int(3 * WEEK) * SECOND
    assert replace(after, start=after.start - moved, end=after.end - moved) == before


def test_findings_names_of_accounts_matter_to_nothing(engine: Engine) -> None:
    rename = np.random.default_rng(0).permutation(500)
    plain, other = _crew(15), _crew(15)
    other.acts = [(s, int(rename[a]), t, u, at, url) for s, a, t, u, at, url in other.acts]
    before = _judge(plain, list(range(12)), engine)
    after = _judge(other, [int(rename[a]) for a in range(12)], engine)
    back = {int(rename[a]): a for a in range(12)}
    assert sorted((back[m.account], m.posts) for m in after.members) == [
        (m.account, m.posts) for m in before.members
    ]
    same = {"id": before.id, "members": before.members, "net": before.net}
    assert replace(after, **same) == before
    assert after.net == pytest.approx(before.net)


def test_findings_come_strongest_first(engine: Engine) -> None:
    world = _crew(16)
    rng = np.random.default_rng(16)
    for j in range(40):
        born = float(rng.uniform(0, 12 * DAY))
        for a in range(20, 32):
            at = born + float(rng.lognormal(4, 0.7))
            world.add("repost", a, f"star {j}", "the star", at)
    net, posts = world.build(engine)
    fans, crew = _group(net, list(range(20, 32)), engine), _group(net, list(range(12)), engine)
    seen: list[tuple[str, int, int | None]] = []
    found = findings.judge(
        [fans, crew],
        net,
        posts,
        CONFIG,
        engine,
        lambda *a: seen.append(a),  # type: ignore[arg-type]
    )
    assert [f.class_ for f in found] == ["coordinated", "amplification"]
    assert found == findings.judge([crew, fans], net, posts, CONFIG, engine)
    assert seen and seen[0] == ("findings", 0, 2)
    assert findings.judge([], net, posts, CONFIG, engine) == ()
