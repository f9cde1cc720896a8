"""Threat: ids a spreadsheet rounded, dates in three orders, epochs in three units, crawl stamps."""

from __future__ import annotations

from pathlib import Path

import pytest

from klieg.errors import InputError
from klieg.sources import read


def table(path: Path, header: str, rows: list[str]) -> str:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_hostile_ids_rounded_by_a_spreadsheet_never_join_two_posts(tmp_path: Path) -> None:
    rows = [f"1.19849E+18,u{i},{1714557600 + i},text {i}" for i in range(50)]
    posts, intake = read([table(tmp_path / "a.csv", "id,user,time,text", rows)])
    assert (posts.n, intake.counts["row_id"]) == (50, 50)
    assert len(posts.table["post_id"].unique()) == 50


def test_hostile_accounts_rounded_by_a_spreadsheet_never_become_one_account(
    tmp_path: Path,
) -> None:
    rows = [f"{i},1.19849E+18,{1714557600 + i},text {i}" for i in range(50)]
    with pytest.raises(InputError, match=r"account_id"):
        read([table(tmp_path / "a.csv", "id,user_id,time,text", rows)])
    mixed = [f"{i},77{i},{1714557600 + i},text {i}" for i in range(500)] + rows[:3]
    posts, intake = read([table(tmp_path / "b.csv", "id,user_id,time,text", mixed)])
    assert posts.n == 500
    assert dict(intake.rejected) == {"account_id_in_float_notation": 3}


def test_hostile_account_ids_in_float_notation_give_way_to_names(tmp_path: Path) -> None:
    rows = [f"{i},1.19849E+18,ada{i},{1714557600 + i},text {i}" for i in range(50)]
    posts, _ = read([table(tmp_path / "a.csv", "id,user_id,username,time,text", rows)])
    assert posts.n_accounts == 50


def test_hostile_references_rounded_by_a_spreadsheet_are_no_targets(tmp_path: Path) -> None:
    rows = [f"{i},u{i},{1714557600 + i},text {i},1.19849E+18" for i in range(50)]
    posts, intake = read([table(tmp_path / "a.csv", "id,user,time,text,reply_to", rows)])
    assert posts.table["reply_to"].null_count == 50
    assert any("reply_to was not used" in note for note in intake.notes)
    some = [*rows, "99,ada,1714559000,text,98"]
    posts, intake = read([table(tmp_path / "b.csv", "id,user,time,text,reply_to", some)])
    assert posts.table["reply_to"].null_count == 50
    assert any("50 references in float notation" in note for note in intake.notes)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["03/04/2020 10:00", "05/06/2020 10:00"], "cannot be told apart"),
        (["25/04/2020 10:00", "04/25/2020 10:00"], "are mixed"),
        (["1714557600", "1714557600000"], "s and ms are mixed"),
        (["1714557600000", "1714557600000000"], "ms and µs are mixed"),
    ],
)
def test_hostile_times_that_can_be_read_two_ways_name_their_column(
    tmp_path: Path, values: list[str], words: str
) -> None:
    rows = [f"{i},u{i},{v},text {i}" for i, v in enumerate(values)]
    with pytest.raises(InputError, match=words) as refused:
        read([table(tmp_path / "a.csv", "id,user,posted_at,text", rows)])
    assert refused.value.column == "posted_at"
    assert refused.value.exit_code == 3


def test_hostile_times_the_user_may_say_which_order_it_is(tmp_path: Path) -> None:
    rows = ["1,ada,03/04/2020 10:00,a", "2,bob,05/06/2020 10:00,b"]
    path = table(tmp_path / "a.csv", "id,user,posted_at,text", rows)
    day_first, _ = read([path], mapping={"time:dmy": "posted_at"})
    month_first, _ = read([path], mapping={"time:mdy": "posted_at"})
    assert [t.month for t in day_first.table["time"].to_pylist()] == [4, 6]
    assert [t.month for t in month_first.table["time"].to_pylist()] == [3, 5]


def test_hostile_times_of_a_crawl_are_refused(tmp_path: Path) -> None:
    rows = [f"{i},u{i},1714557600,text {i}" for i in range(200)]
    with pytest.raises(InputError, match="stamp of a crawl"):
        read([table(tmp_path / "a.csv", "id,user,time,text", rows)])


def test_hostile_times_out_of_this_world_cost_their_rows(tmp_path: Path) -> None:
    rows = [f"{i},u{i},2024-05-01T10:{i // 60:02}:{i % 60:02}Z,text {i}" for i in range(900)]
    odd = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-30T00:00:00Z", "-5"]
    rows += [f"x{i},ada,{v},odd" for i, v in enumerate(odd)]
    posts, intake = read([table(tmp_path / "a.csv", "id,user,time,text", rows)])
    assert (posts.n, dict(intake.rejected)) == (900, {"no_readable_time": 4})


def test_hostile_spreadsheet_formulas_and_markup_are_only_text(tmp_path: Path) -> None:
    rows = ['1,"=cmd|/c calc!A1",1714557600,"<script>alert(1)</script>"']
    posts, _ = read([table(tmp_path / "a.csv", "id,user,time,text", rows)])
    assert posts.account_ids.to_pylist() == ["=cmd|/c calc!A1"]
    assert posts.table["text"].to_pylist() == ["<script>alert(1)</script>"]
