"""Putting posts together: each once, in an order blind to the order of rows, accounts numbered."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.sources import assemble, duplicates, order
from klieg.tables import POSTS, Posts

START = datetime(2024, 5, 1, 10, tzinfo=UTC)


def post(id_: str, account: str = "ada", second: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "platform": "x",
        "post_id": id_,
        "account_id": account,
        "time": START + timedelta(seconds=second),
        "text": f"text of {id_}",
        "kind": "post",
        **more,
    }


def table(*posts: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(posts), schema=POSTS)


def ids(posts: Posts) -> list[str]:
    found: list[str] = posts.table["post_id"].to_pylist()
    return found


def test_assembly_order_is_time_platform_id() -> None:
    posts, _ = assemble(
        [
            table(
                post("9", second=5),
                post("2", second=1, platform="y"),
                post("3", "bob", second=1),
                post("1", second=1),
            )
        ]
    )
    assert ids(posts) == ["1", "3", "2", "9"]
    assert posts.time.tolist() == sorted(posts.time.tolist())


def test_assembly_accounts_are_numbered_by_first_appearance() -> None:
    posts, _ = assemble([table(post("1", "zoe"), post("2", "ada", 1), post("3", "zoe", 2))])
    assert posts.account.tolist() == [0, 1, 0]
    assert posts.account_ids.to_pylist() == ["zoe", "ada"]


def test_assembly_one_id_on_two_platforms_is_two_accounts_and_two_posts() -> None:
    posts, intake = assemble([table(post("1"), post("1", platform="y", second=90))])
    assert posts.n == posts.n_accounts == 2
    assert posts.account_platforms.to_pylist() == ["x", "y"]
    assert not intake.counts


def test_assembly_a_repeated_id_is_kept_once() -> None:
    posts, intake = assemble([table(post("1"), post("1"), post("2", second=90))])
    assert ids(posts) == ["1", "2"]
    assert intake.counts == {"duplicate_id": 1}
    assert intake.rows == intake.posts + 1


def test_assembly_a_conflicting_id_keeps_the_earliest_row_and_is_counted() -> None:
    late, early = post("1", "bob", 50, text="late"), post("1", "ada", 0, text="early")
    for rows in ([late, early], [early, late]):
        posts, intake = assemble([table(*rows)])
        assert posts.table["text"].to_pylist() == ["early"]
        assert intake.counts == {"conflicting_id": 1, "duplicate_id": 1}


def test_assembly_a_conflicting_row_leaves_no_ghost_account_and_no_object() -> None:
    mine = post("1", objects=[{"trace": "link", "id": "a"}])
    ghost = post("1", "zoe", 50, objects=[{"trace": "link", "id": "b"}])
    posts, _ = assemble([table(mine, ghost)])
    assert posts.account_ids.to_pylist() == ["ada"]
    assert posts.table["objects"].to_pylist() == [[{"trace": "link", "id": "a"}]]


def test_assembly_rows_of_one_post_join_their_objects() -> None:
    rows = [post("1", text=None, objects=[{"trace": "link", "id": i}]) for i in "cabca"]
    posts, intake = assemble([table(*rows)])
    assert posts.table["objects"].to_pylist() == [[{"trace": "link", "id": i} for i in "abc"]]
    assert intake.counts == {"duplicate_id": 4}


def test_assembly_one_text_in_one_minute_is_one_post_even_under_two_ids() -> None:
    posts, intake = assemble(
        [
            table(
                post("x1", text="vote  now\n"),
                post("xx1", text="vote now", second=30),
                post("x2", text="vote now", second=61),
                post("x3", "bob", text="vote now"),
                post("x4", text=None),
                post("x5", text=None, second=1),
            )
        ]
    )
    assert ids(posts) == ["x1", "x3", "x4", "x5", "x2"]
    assert intake.counts == {"duplicate_text": 1}


def test_assembly_of_nothing_is_nothing() -> None:
    posts, intake = assemble([POSTS.empty_table()])
    assert (posts.n, posts.n_accounts, posts.resolution, intake.rows) == (0, 0, 0, 0)


def test_assembly_takes_tables_with_the_required_columns_only() -> None:
    bare = pa.table({"account_id": ["b", "a"], "time": pa.array([2, 1], pa.timestamp("us", "UTC"))})
    posts, intake = assemble([bare])
    assert posts.account_ids.to_pylist() == ["a", "b"]
    assert intake.counts == {"row_id": 2}


def test_assembly_takes_out_nul_characters() -> None:
    posts, intake = assemble([table(post("1", text="a\0b"))])
    assert posts.table["text"].to_pylist() == ["ab"]
    assert "NUL" in intake.notes[0]


ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", None]),
        "account": st.sampled_from(["ada", "bob", "zoe"]),
        "second": st.sampled_from([0, 1, 59, 60]),
        "text": st.sampled_from(["a", "a ", "b", None]),
        "likes": st.sampled_from([1, 2, None]),
        "object": st.sampled_from(["o", "p", None]),
        "repost_of": st.sampled_from(["7", None]),
    }
)


def world(rows: list[dict[str, Any]], shift: timedelta = timedelta()) -> list[dict[str, Any]]:
    made = []
    for i, row in enumerate(rows):
        made.append(
            post(row["id"] or f"row:f:{i}", row["account"], row["second"])
            | {
                "time": START + shift + timedelta(seconds=row["second"]),
                "text": row["text"],
                "repost_of": row["repost_of"],
                "metrics": {"likes": row["likes"]},
                "objects": [{"trace": "link", "id": row["object"]}] if row["object"] else None,
                "source_row": i,
            }
        )
    return made


def content(posts: Posts) -> list[dict[str, Any]]:
    """Posts without the two columns that say where a row stood in its file."""
    rows: list[dict[str, Any]] = posts.table.drop_columns(["source_row"]).to_pylist()
    for row in rows:
        row["post_id"] = row["post_id"].split(":")[0]
    return rows


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROW, max_size=14), seed=st.integers(0, 9), cut=st.integers(0, 14))
def test_assembly_is_blind_to_the_order_and_split_of_rows(
    rows: list[dict[str, Any]], seed: int, cut: int
) -> None:
    made = world(rows)
    mixed = made.copy()
    random.Random(seed).shuffle(mixed)
    one, first = assemble([table(*made)])
    two, second = assemble([table(*mixed[:cut]), table(*mixed[cut:])])
    assert content(one) == content(two)
    assert one.account.tolist() == two.account.tolist()
    assert dict(first.counts) == dict(second.counts)
    assert first.rows == first.posts + sum(
        first.counts.get(k, 0) for k in ("duplicate_id", "duplicate_text")
    )


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, max_size=14), weeks=st.integers(1, 300))
def test_assembly_shifted_by_whole_weeks_shifts_nothing_else(
    rows: list[dict[str, Any]], weeks: int
) -> None:
    here, _ = assemble([table(*world(rows))])
    there, _ = assemble([table(*world(rows, timedelta(weeks=weeks)))])
    assert [r | {"time": 0} for r in content(here)] == [r | {"time": 0} for r in content(there)]
    assert (there.time - here.time == weeks * 7 * 86400 * 1_000_000).all()
    assert here.account.tolist() == there.account.tolist()


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW.filter(lambda r: r["id"]), max_size=14))
def test_assembly_renamed_accounts_keep_their_numbers(rows: list[dict[str, Any]]) -> None:
    # one author a post, as on every platform
    owner = {"1": "ada", "2": "bob", "3": "zoe"}
    renamed = {"ada": "zz", "bob": "mm", "zoe": "aa"}
    plain = [r | {"account": owner[r["id"]]} for r in rows]
    other = [r | {"account": renamed[r["account"]]} for r in plain]
    one, _ = assemble([table(*world(plain))])
    two, _ = assemble([table(*world(other))])
    assert one.account.tolist() == two.account.tolist()
    assert [renamed[a] for a in one.account_ids.to_pylist()] == two.account_ids.to_pylist()


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    seed=st.integers(0, 99),
    piece=st.integers(1, 4),
)
def test_assembly_gathers_in_pieces_what_is_gathered_at_once(
    sizes: list[int], seed: int, piece: int
) -> None:
    n = sum(sizes)
    values = iter(range(n))
    column = pa.chunked_array(
        [pa.array([str(next(values)) for _ in range(k)], pa.string()) for k in sizes]
    )
    rows = np.random.default_rng(seed).integers(0, n, 9) if n else np.zeros(0, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "WIDE", 0)
        patch.setattr(order, "PIECE", piece)
        pieces = order.gather(column, rows)
    assert pieces.to_pylist() == [str(r) for r in rows]
    assert pieces.type == column.type


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 200), st.sampled_from(["v", "v ", "w", None])
        ),
        max_size=30,
    ),
    piece=st.integers(1, 5),
)
def test_assembly_finds_one_text_in_one_minute_in_pieces_as_row_by_row(
    rows: list[tuple[str, int, str | None]], piece: int
) -> None:
    made = [
        post(f"{i:02d}", who, second, text=text)
        for i, (who, second, text) in enumerate(sorted(rows, key=lambda row: row[1]))
    ]
    seen, kept = set(), []
    for row in made:
        key = (row["account_id"], row["time"].replace(second=0), (row["text"] or "").strip())
        if row["text"] is None or key not in seen:
            kept.append(row["post_id"])
        seen.add(key) if row["text"] else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "PIECE", piece)
        posts, intake = assemble([table(*made)])
    assert ids(posts) == kept
    assert intake.counts.get("duplicate_text", 0) == len(made) - len(kept)


@pytest.mark.parametrize(
    "form", ["{}", "1{:06}", "0{}", "at://did:plc:{:030}/app.bsky.feed.post/k"]
)
def test_assembly_ids_of_every_form_are_kept_once_each(form: str) -> None:
    names = [form.format(i) for i in (5, 90, 700, 90, 12, 5)]
    posts, intake = assemble([table(*(post(name, second=90 * i) for i, name in enumerate(names)))])
    assert ids(posts) == [names[i] for i in (0, 1, 2, 4)]
    assert intake.counts == {"duplicate_id": 2, "conflicting_id": 2}


def test_assembly_ids_of_one_second_sort_as_words_whatever_their_length() -> None:
    posts, _ = assemble([table(*(post(name) for name in ("9", "10", "100", "2")))])
    assert ids(posts) == ["10", "100", "2", "9"]
