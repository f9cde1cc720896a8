"""A crew that is most of its own pool does not explain itself; chance gives nothing back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import error_control, null, rhythm, scoring, sifting, trimming
from klieg.sockets import make
from klieg.tables import SECOND, Actions, Strata

DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY
CONFIG = Config(threads=1, false_alarms=1e-6)
ENGINE = make("engines", "cpu", CONFIG)
CREW, JOINT, ACCOUNTS = 20, 10, 600


def world(seed: int, *, crew: bool) -> tuple[Actions, Strata]:
    """A large pool, and a small one that is mostly what the crew did together."""
    draw = np.random.default_rng(seed)
    account = [draw.integers(0, ACCOUNTS, 4_000), draw.integers(0, ACCOUNTS, 300)]
    item = [draw.zipf(1.5, 4_000) % 800, 800 + draw.integers(0, 60, 300)]
    time = [draw.random(4_000) * 20 * DAY, draw.random(300) * 20 * DAY]
    if crew:
        account.append(np.tile(np.arange(CREW), JOINT))
        item.append(np.repeat(860 + np.arange(JOINT), CREW))
        start = draw.random(JOINT) * 20 * DAY
        time.append(np.repeat(start, CREW) + draw.random(CREW * JOINT) * 8 * SECOND)
        # somebody else was there before: it is not haste that brings the crew together
        account.append(draw.integers(CREW, ACCOUNTS, JOINT))
        item.append(860 + np.arange(JOINT))
        time.append(start - draw.random(JOINT) * DAY)
    who, what, when = (np.concatenate(c) for c in (account, item, time))
    kept = np.sort(np.unique(who * 1000 + what, return_index=True)[1])
    kept = kept[np.argsort(when[kept], kind="stable")]
    labels = pa.array([str(i) for i in range(870)], pa.string())
    actions = Actions(
        "object",
        who[kept].astype(np.int32),
        what[kept].astype(np.int32),
        MONDAY + when[kept].astype(np.int64),
        np.arange(len(kept)),
        np.full(len(kept), -1, np.int32),
        labels,
        labels.slice(0, 0),
        ACCOUNTS,
    )
    home = (np.arange(870) >= 800).astype(np.int32)
    return actions, Strata(home, np.zeros(2, np.int32), ("all", "few"), ("x",))


def found(actions: Actions, pools: Strata) -> tuple[int, int]:
    """Pairs of the crew, and others, that stand."""
    s, _ = sifting.survey(actions, pools, pools, CONFIG, ENGINE)
    cut = error_control.threshold(s.tests.p, s.pairs, CONFIG.false_alarms)
    kept = s.tests.p[s.rows] <= cut
    ours = kept & (s.edges.right < CREW)
    return int(ours.sum()), int(kept.sum() - ours.sum())


@pytest.fixture
def habitless(monkeypatch):
    """Without hours and haste, which in a pool this small are the crew's too."""
    monkeypatch.setattr(rhythm, "measure", lambda *_: ())


def test_trimming_lets_a_crew_stand_in_the_pool_it_made(monkeypatch, habitless):
    actions, pools = world(1, crew=True)
    assert found(actions, pools) == (CREW * (CREW - 1) // 2, 0)
    monkeypatch.setattr(trimming, "ROUNDS", 0)
    assert found(actions, pools)[0] < 20


def test_trimming_takes_nothing_where_nobody_plans(monkeypatch):
    for seed in range(3):
        actions, pools = world(seed, crew=False)
        told = []
        for rounds in (2, 0):
            monkeypatch.setattr(trimming, "ROUNDS", rounds)
            told.append(sifting.survey(actions, pools, pools, CONFIG, ENGINE)[0].tests.p)
        assert (told[0] == told[1]).all()


def test_trimming_leaves_each_improbable_pair_one_meeting_and_other_pools_alone(habitless):
    actions, pools = world(1, crew=True)
    study = scoring.study(actions, pools, CONFIG, ENGINE)
    first = study.measured.margins
    few, _ = scoring.slimmed(scoring.Part(study.edges, study.expected, study.tests), CONFIG)
    known, again = trimming.second_pass(actions, study.measured, few, CONFIG, ENGINE)
    assert known.margins.pairs[0] == pytest.approx(first.pairs[0])
    assert (known.margins.pairs <= first.pairs).all()
    assert (known.margins.pairs[1] < 0.5 * first.pairs[1]).all()
    # 190 pairs of the crew, each way round
    assert (known.margins.pairs[1] >= 2 * 190 * 0.99).all()
    assert (again.tests.p <= few.tests.p * (1 + 1e-9)).mean() > 0.9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_trimming_deals_out_all_of_an_amount(seed):
    draw = np.random.default_rng(seed)
    actions, pools = world(seed % 5, crew=bool(seed % 2))
    margins = null.margins(actions, pools, CONFIG, ENGINE)
    pair = np.sort(draw.integers(0, ACCOUNTS, (50, 2)), axis=1).astype(np.int32)
    pair = pair[pair[:, 0] < pair[:, 1]]
    amount = draw.normal(size=(len(pair), len(CONFIG.windows_s)))
    dealt = null.attributed(margins, pair[:, 0], pair[:, 1], amount)
    known = null.expected_free(margins, pair[:, 0], pair[:, 1]) > 0
    assert (dealt >= 0).all()
    wanted = np.where(known, np.maximum(amount, 0.0), 0.0).sum(axis=0)
    assert dealt.sum(axis=0) == pytest.approx(wanted)
