"""Times: every way of writing one instant gives it, and what is ambiguous is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.errors import InputError
from klieg.sources.times import DAY, Times, is_clock, is_crawl, parse, settle

US = 1_000_000
INSTANT = datetime(2019, 11, 24, 6, 34, 7, tzinfo=UTC)
MICROS = int(INSTANT.timestamp()) * US


def read(values: list[object], **more: str) -> list[int | None]:
    times = parse(pa.array(values), name="when", path="f.csv", **more)
    return [int(us) if ok else None for us, ok in zip(times.us, times.ok, strict=True)]


@pytest.mark.parametrize(
    "written",
    [
        "2019-11-24T06:34:07Z",
        "2019-11-24 06:34:07",
        "2019-11-24T06:34:07.000Z",
        "2019-11-24T07:34:07+01:00",
        "2019-11-24 01:34:07-0500",
        "2019-11-24 01:34:07 EST",
        "2019/11/24 06:34:07",
        "Sun, 24 Nov 2019 06:34:07 +0000",
        "Sun Nov 24 06:34:07 +0000 2019",
        "24 Nov 2019 06:34:07 GMT",
        "Nov 24, 2019, 6:34:07 AM",
        "11/24/2019 06:34:07",
        "24.11.2019 06:34:07",
        "20191124063407",
        "1574577247",
        "1574577247.0",
        "1574577247000",
        "1574577247000000",
        "1.574577247e9",
    ],
)
def test_times_reads_every_way_of_writing_one_instant(written: str) -> None:
    assert read([written, written, None]) == [MICROS, MICROS, None]


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)), st.integers(-12, 14))
def test_times_round_trip(naive: datetime, hours: int) -> None:
    moment = naive.replace(microsecond=naive.microsecond, tzinfo=timezone(timedelta(hours=hours)))
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert read([moment.isoformat()]) == [exact]
    whole = moment.replace(microsecond=0)
    assert read([format_datetime(whole)]) == [exact - moment.microsecond]


@given(st.integers(10**8, 4 * 10**9))
def test_times_epoch_unit_follows_from_its_size(second: int) -> None:
    assert read([second]) == read([second * 1000]) == read([second * US]) == [second * US]


def test_times_sub_second_epochs_keep_their_microseconds() -> None:
    assert read(["1606451170.518101"]) == [1606451170518101]
    assert read([1606451170.518101]) == [1606451170518101]


def test_times_mixed_epochs_are_refused_with_the_column_named() -> None:
    with pytest.raises(InputError, match=r"'when': epoch times in s and ms are mixed"):
        read([1574577247, 1574577247000])


def test_times_day_and_month_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(InputError, match="'when': day and month") as refused:
        read(["03/04/2020 10:00", "05/06/2020 11:00"])
    assert "--map time:dmy=when" in str(refused.value)


def test_times_one_day_over_twelve_settles_the_whole_column() -> None:
    day_first = read(["03/04/2020", "25/04/2020"])
    month_first = read(["03/04/2020", "04/25/2020"])
    assert day_first[0] == int(datetime(2020, 4, 3, tzinfo=UTC).timestamp()) * US
    assert month_first[0] == int(datetime(2020, 3, 4, tzinfo=UTC).timestamp()) * US


def test_times_both_orders_in_one_column_are_refused() -> None:
    with pytest.raises(InputError, match="are mixed"):
        read(["25/04/2020", "04/25/2020"])


def test_times_the_users_word_settles_the_order() -> None:
    dmy, mdy = (read(["03/04/2020"], order=order)[0] for order in ("dmy", "mdy"))
    assert dmy is not None
    assert mdy is not None
    assert dmy - mdy == 30 * DAY * US


def test_times_nonsense_is_not_a_time() -> None:
    assert (
        read(["soon", "2020-13-01", "2020-02-30 10:00:00", "", "1834-01-01", "99:99"]) == [None] * 6
    )


def test_times_one_bad_value_costs_only_itself() -> None:
    assert read(["2019-11-24T06:34:07Z", "yesterday", "2019-11-24T06:34:07Z"]) == [
        MICROS,
        None,
        MICROS,
    ]


def test_times_resolution_follows_the_writing() -> None:
    def tick(value: str) -> list[int]:
        return parse(pa.array([value]), name="t", path="f").resolution.tolist()

    assert tick("2019-11-24 06:34") == [60]
    assert tick("2019-11-24") == [DAY]
    assert tick("2019-11-24 06:34:00") == [1]
    assert tick("11/24/2019 6:34 PM") == [60]


def test_times_whole_minutes_only_are_a_minute_clock() -> None:
    minutes = np.arange(40, dtype=np.int64) * 60 * US * 7
    ones, same = np.ones(40, np.int32), np.zeros(40, np.int64)
    assert set(settle(minutes, ones, same)) == {60}
    assert set(settle(minutes + US, ones, same)) == {1}
    assert set(settle(minutes + 5, ones, same)) == {0}


def test_times_each_collection_has_its_own_clock() -> None:
    us = np.concatenate([np.arange(30) * 60 * US, np.arange(30) * 61 * US]).astype(np.int64)
    groups = np.repeat([0, 1], 30).astype(np.int64)
    assert settle(us, np.ones(60, np.int32), groups).tolist() == [60] * 30 + [1] * 30


def test_times_a_handful_of_round_times_proves_no_clock() -> None:
    us = np.arange(6, dtype=np.int64) * 60 * US
    assert set(settle(us, np.ones(6, np.int32), np.zeros(6, np.int64))) == {1}


def test_times_a_crawls_stamp_is_noticed() -> None:
    crawl = parse(
        pa.array([1574577247] * 180 + list(range(1574577300, 1574577320))), name="t", path="f"
    )
    lively = parse(pa.array(list(range(1574577247, 1574577447))), name="t", path="f")
    assert is_crawl(crawl)
    assert not is_crawl(lively)


def test_times_of_day_are_not_dates() -> None:
    assert is_clock(pa.array(["13", "07:45", "23:59:59"]))
    assert not is_clock(pa.array(["13", "2020-01-01"]))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(1, 80)), min_size=1),
    st.integers(0, 200),
)
def test_times_crawl_is_told_by_how_many_share_a_time(
    groups: list[tuple[int, int, int]], others: int
) -> None:
    """Times of one remainder are not one time, however many there are."""
    us = [a + 65_521 * b for a, b, times in groups for _ in range(times)]
    us += [1_000 + 7 * i for i in range(others)]
    counts = sorted((us.count(t) for t in set(us)), reverse=True)
    n = len(us)
    expected = n >= 100 and (counts[0] > 0.5 * n or sum(counts[:3]) > 0.8 * n)
    found = Times(np.array(us, np.int64), np.ones(n, np.bool_), np.ones(n, np.int32), ())
    assert is_crawl(found) == expected
