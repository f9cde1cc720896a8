"""Halves of the acts and what they pay: parted alike in any week, and Σ s has mean at most 1."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.test_groups import MONDAY, Acts, match, network, one_pool

from klieg.config import Config
from klieg.detect import bursts, court, groups, halves, null, tickets
from klieg.detect.halves import Held, Parting
from klieg.detect.interest import DAY
from klieg.sockets import make, silent

CONFIG = Config()
ENGINE = make("engines", "cpu", CONFIG)
WEEK = 7 * DAY


def test_halves_share_out_every_act_once():
    layer = Acts(1, 200, 500).actions()
    how = halves.parting([layer])
    assert how is not None
    parts = [halves.part(layer, how, half) for half in (0, 1)]
    assert sum(p.n for p in parts) == layer.n
    assert np.array_equal(np.sort(np.concatenate([p.post for p in parts])), layer.post)
    for half, own in enumerate(parts):
        assert own.n > 0
        assert (how.of(own.time) == half).all()
        assert own.n_objects == layer.n_objects


@given(weeks=st.integers(-3, 40), seed=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_halves_do_not_depend_on_the_week(weeks, seed):
    layer = Acts(seed, 40, 60).actions()
    later = replace(layer, time=layer.time + weeks * WEEK)
    here, there = halves.parting([layer]), halves.parting([later])
    assert here is not None
    assert there is not None
    assert np.array_equal(here.of(layer.time), there.of(later.time))


def test_halves_a_short_day_is_cut_finer():
    layer = Acts(2, 100, 200).actions()
    day = replace(layer, time=MONDAY * 1_000_000 + np.sort(layer.time % DAY))
    how = halves.parting([day])
    assert how is not None
    assert how.period < DAY


def test_halves_acts_of_one_hour_cannot_be_parted():
    layer = Acts(2, 100, 200).actions()
    hour = replace(layer, time=MONDAY * 1_000_000 + np.sort(layer.time % (DAY // 24)))
    assert halves.parting([hour]) is None
    assert halves.search([hour], [[one_pool(hour)]], CONFIG, ENGINE, silent) is None


def test_halves_the_search_sees_its_own_half_alone():
    acts = Acts(3, 400, 900)
    acts.plant(np.arange(50, 62), 12, 900)
    layer = acts.actions()
    how = halves.parting([layer])
    assert how is not None
    second = how.of(layer.time) == 1
    mixed = layer.account.copy()
    mixed[second] = acts.rng.permutation(mixed[second])
    one, two = (
        halves.search([a], [[one_pool(layer)]], CONFIG, ENGINE, silent)
        for a in (layer, replace(layer, account=mixed))
    )
    assert one is not None
    assert two is not None
    assert one.found[0]
    assert [m.tolist() for m in one.found[0]] == [m.tolist() for m in two.found[0]]
    assert [m.tolist() for m in one.found[1]] != [m.tolist() for m in two.found[1]]


def test_tickets_add_up_to_one_at_most_whatever_the_search_did():
    # every set of every size, and a search that takes the best ones of each half: chance alone
    accounts, sets, runs = 6, [], 100
    for size in (2, 3, 4):
        sets += [np.array(m, np.int32) for m in combinations(range(accounts), size)]
    acts = Acts(4, accounts, 60, mean=20)
    layer = acts.actions()
    pools = one_pool(layer)
    how = Parting(MONDAY * 1_000_000, DAY)
    total = []
    for run in range(runs):
        mixed = null.shuffle(layer, pools, run)  # nobody twice on one object
        own = [halves.part(mixed, how, half) for half in (0, 1)]
        tiled = [bursts.prepare(a, pools, CONFIG, ENGINE) for a in own]
        told = [
            [bursts.log_mean_exp(bursts.log_evidence(t, members)) for members in sets]
            for t in tiled
        ]
        best = [tuple(sets[i] for i in np.argsort(e)[-5:]) for e in told]
        held = Held(how, (best[0], best[1]), ((), ()), tuple(((t,),) for t in tiled))
        whole = bursts.prepare(mixed, pools, CONFIG, ENGINE)
        hall = tickets.opened(["repost"], [[whole]], held, accounts)
        scores = [tickets.score(hall, 0, court.weigh(hall.whole[0], members)) for members in sets]
        total.append(sum(math.exp(s.log_s) for s in scores))
    assert np.mean(total) - 2 * np.std(total) / math.sqrt(runs) <= 1.0
    # the searched halves hand over what looked best there: it must not look so good elsewhere
    assert np.mean(np.array(total) >= 1 / 0.05) <= 0.05


def test_tickets_a_small_crew_stands_by_the_other_half():
    acts = Acts(6, 3000, 9000)
    crew = np.array([70, 700, 1400, 2100])
    acts.plant(crew, 7, 1800)
    layer = acts.actions()
    found = groups.search(network((layer, one_pool(layer))), 3000, CONFIG, ENGINE)
    recall, purity = match(found, crew)
    assert recall >= 0.75
    assert purity == 1.0
    best = max(found, key=lambda g: len(np.intersect1d(g.members, crew)))
    assert best.stability["stands_held_out"] == 1
    assert best.net >= -math.log(CONFIG.false_alarms)
    tiled = bursts.prepare(layer, one_pool(layer), CONFIG, ENGINE)
    assert best.net > bursts.net([tiled], best.members, 3000)


def test_tickets_siblings_are_found_on_each_half():
    acts = Acts(8, 1500, 4000)
    crew = np.arange(300, 320)
    acts.plant(crew, 14, 900)
    layer = acts.actions()
    found = groups.search(network((layer, one_pool(layer))), 1500, CONFIG, ENGINE)
    best = max(found, key=lambda g: len(np.intersect1d(g.members, crew)))
    assert best.stability["halves_found"] == 2
    for sibling in best.halves:
        assert sibling is not None
        assert len(np.intersect1d(sibling, crew)) >= 0.7 * len(crew)
    assert best.held_out == tickets.WHOLE


def test_tickets_without_halves_the_price_is_that_of_all_sets():
    acts = Acts(9, 400, 1200)
    acts.plant(np.arange(50, 65), 10, 300)
    layer = acts.actions()
    hour = replace(layer, time=MONDAY * 1_000_000 + (layer.time - layer.time.min()) // 300)
    tiled = bursts.prepare(hour, one_pool(hour), CONFIG, ENGINE)
    hall = tickets.opened(["repost"], [[tiled]], None, 400)
    group = court.weigh(hall.whole[0], np.arange(50, 65, dtype=np.int32))
    assert tickets.score(hall, 0, group).log_s == pytest.approx(group.net + math.log(0.9))


def test_groups_a_crew_stands_clearer_without_a_larger_one_in_the_same_news():
    acts = Acts(11, 1200, 3000)
    large, small = np.arange(100, 220), np.arange(700, 706)
    shared = acts.rng.choice(3000, 30, replace=False)
    acts.plant(large, 25, 600, objects=shared[5:])
    acts.plant(np.append(large, small), 5, 600, objects=shared[:5])
    layer = acts.actions()
    tiled = bursts.prepare(layer, one_pool(layer), CONFIG, ENGINE)
    hall = tickets.opened(["repost"], [[tiled]], None, 1200)
    weighed = court.weigh(hall.whole[0], np.append(small, 150).astype(np.int32))
    stands = next(g for g in groups.search(network((layer, one_pool(layer))), 1200, CONFIG, ENGINE))
    assert np.isin(150, stands.members)
    again = groups._rest([([weighed], ("repost 600 s",))], [stands])
    assert [c.members.tolist() for c in again] == [small.tolist()]
    alone = groups._without([tiled], [stands], CONFIG, ENGINE)
    second = tickets.opened(["repost"], [alone], None, 1200, again=True)
    first = court.weigh(hall.whole[0], small.astype(np.int32))
    later = court.weigh(second.whole[0], small.astype(np.int32))
    assert later.net > first.net + 5
    assert tickets.score(second, 0, later).log_s == pytest.approx(later.net + math.log(0.1))
