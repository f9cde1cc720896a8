"""Counting by acts, beyond what the contract tries: bursts, budgets and what is never made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.engine import acts, reference_acts
from klieg.engine.executors import ThreadExecutor
from klieg.errors import EngineError

ONE = {"threads": 1, "budget": 2**30, "executor": ThreadExecutor()}


def counted(account, post, time, lo, hi, anchor, n_accounts, min_n, directed, **how):
    """All batches, as tuples."""
    columns = account, post, time, lo, hi, anchor
    batches = acts.count_acts(*columns, n_accounts, min_n, directed=directed, **{**ONE, **how})
    return [
        edge
        for batch in batches
        for edge in zip(
            *(getattr(batch, f).tolist() for f in ("left", "right", "n", "delay")), strict=True
        )
    ]


rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9), st.integers(0, 30)), max_size=25)


@settings(max_examples=80, deadline=None)
@given(rows, st.integers(0, 4), st.booleans(), st.data())
def test_acts_equal_the_specification_whatever_the_ranges(acts_, min_n, directed, data):
    acts_ = sorted(acts_, key=lambda row: row[2])
    n = len(acts_)
    account, post = (np.array([row[i] for row in acts_], np.int32) for i in (0, 1))
    time = np.array([row[2] for row in acts_], np.int64)
    back = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), np.int32)
    ahead = np.array(data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)), np.int32)
    lo = np.maximum(np.arange(n) - back, 0).astype(np.int32)
    hi = np.minimum(np.arange(n) + ahead, n).astype(np.int32)
    if not directed:  # ranges must mirror each other
        reach = int(back.max(initial=0))
        lo = np.maximum(np.arange(n) - reach, 0).astype(np.int32)
        hi = np.minimum(np.arange(n) + reach + 1, n).astype(np.int32)
    anchor = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)
    columns = account, post, time, lo, hi, anchor
    wanted = reference_acts.count_acts(*columns, 7, max(min_n, 1), directed)
    fields = (getattr(wanted, f).tolist() for f in ("left", "right", "n", "delay"))
    assert counted(*columns, 7, min_n, directed) == list(zip(*fields, strict=True))
    company = acts.act_company(account, post, lo, hi)
    np.testing.assert_array_equal(company, reference_acts.act_company(account, post, lo, hi))


def burst(n: int):
    """n accounts, one act each, all of which meet."""
    ids = np.arange(n, dtype=np.int32)
    whole = np.zeros(n, np.int32), np.full(n, n, np.int32)
    return ids, ids, ids.astype(np.int64), *whole, np.ones(n, np.bool_)


@pytest.mark.parametrize("directed", [True, False])
def test_acts_of_a_burst_too_thin_for_the_smallest_weight_are_not_scanned(directed):
    given_ = acts.Acts(*burst(30_000))
    work = acts._work(given_, 30_000, 2, directed)
    assert len(work.account) == 0
    assert counted(*burst(30_000), 30_000, 2, directed) == []


def test_acts_one_busy_account_in_a_burst_keeps_its_partners():
    # account 0 has two acts, so each other account can weigh 2 beside it
    account = np.concatenate(([0], burst(50)[0])).astype(np.int32)
    n = len(account)
    columns = account, np.arange(n, dtype=np.int32), np.arange(n), np.zeros(n), np.full(n, n)
    found = counted(*columns, np.ones(n, np.bool_), 50, 2, True)
    assert found == [(0, b, 2, 0) for b in range(1, 50)]


def test_acts_a_small_budget_cuts_batches_and_changes_nothing():
    whole = counted(*burst(400), 400, 1, False)
    assert len(whole) == 400 * 399 // 2
    batches = list(
        acts.count_acts(*burst(400), 400, 1, directed=False, **{**ONE, "budget": 48 * 8 * 2_000})
    )
    assert len(batches) > 50
    assert max(batch.size for batch in batches) < 5_000
    assert counted(*burst(400), 400, 1, False, budget=1, threads=3) == whole


def test_acts_refuse_ranges_that_leave_the_rows():
    account, post, time, lo, hi, anchor = burst(3)
    with pytest.raises(EngineError, match="ranges"):
        counted(account, post, time, lo, hi + 1, anchor, 3, 1, True)
    with pytest.raises(EngineError, match="account"):
        counted(account, post, time, lo, hi, anchor, 2, 1, True)
