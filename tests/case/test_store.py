"""What is saved comes back whole, equal cases are equal bytes, and nothing is lost by accident."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import case_worlds
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg.case import Case, file_hashes, layers, open_case, store
from klieg.case.columns import kept_as
from klieg.errors import NotInCase, StoreError
from klieg.tables import POSTS, Power

HOSTILE = [
    "nul \x00 inside",
    "\u202eevil\u202c right to left",
    "שלום مرحبا",
    "🌉👩‍👩‍👧 emoji",
    '=cmd|" /C calc"!A0',
    "]]><script>alert(1)</script>",
    "line\r\nbreak\ttab",
    "\x1b[31mred\x07",
    "'; drop table edge; --",
    "\ufeffbyte order",
    "\uffff",
]


def assert_same(a: Any, b: Any, place: str = "case") -> None:
    """Field by field, arrays by value and type, NaN equal to NaN; says where two values differ."""
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, f"{place}: {a.dtype} became {b.dtype}"
        assert a.shape == b.shape, f"{place}: {a.shape} became {b.shape}"
        np.testing.assert_array_equal(a, b, err_msg=place)
    elif isinstance(a, (pa.Table, pa.Array)):
        assert a.equals(b), f"{place} differs"
        assert (a.schema == b.schema) if isinstance(a, pa.Table) else (a.type == b.type), place
    elif dataclasses.is_dataclass(a):
        assert type(a) is type(b), place
        for field in dataclasses.fields(a):
            inner = f"{place}.{field.name}"
            assert_same(getattr(a, field.name), getattr(b, field.name), inner)
    elif isinstance(a, tuple):
        assert isinstance(b, tuple), f"{place}: {type(b)}"
        assert len(a) == len(b), f"{place}: {len(a)} became {len(b)}"
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            assert_same(left, right, f"{place}[{i}]")
    elif isinstance(a, dict):
        assert list(a) == list(b), place
        for key in a:
            assert_same(a[key], b[key], f"{place}[{key!r}]")
    elif isinstance(a, float) and a != a:
        assert isinstance(b, float), place
        assert b != b, place
    else:
        assert a == b, f"{place}: {a!r} became {b!r}"
        assert type(a) is type(b), f"{place}: {type(a)} became {type(b)}"


def again(case: Case, folder: Path) -> Case:
    case.save(folder / "again.klieg", force=True)
    return open_case(folder / "again.klieg")


def test_store_gives_back_every_field(case: Case, tmp_path: Path) -> None:
    assert_same(case, again(case, tmp_path))


def test_store_gives_back_a_case_with_nothing_in_it(tmp_path: Path) -> None:
    posts = case_worlds.posts_of([])
    empty = replace(
        case_worlds.quiet_case(),
        posts=posts,
        layers=case_worlds.layers_of(posts),
        power=(),
        notes=(),
    )
    assert empty.posts.n == 0
    assert_same(empty, again(empty, tmp_path))


def test_store_gives_back_hostile_strings(tmp_path: Path) -> None:
    hostile = case_worlds.hostile_case(HOSTILE)
    assert_same(hostile, again(hostile, tmp_path))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(strings=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=9))
def test_store_gives_back_any_strings(strings: list[str], tmp_path: Path) -> None:
    hostile = case_worlds.hostile_case(strings)
    assert_same(hostile, again(hostile, tmp_path))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 0.0, 1e-320])
def test_store_gives_back_floats_json_cannot_say(case: Case, tmp_path: Path, value: float) -> None:
    found = case.findings[0]
    clock = dataclasses.replace(found.clock, pace=(value, value, 60)) if found.clock else None
    odd = replace(
        case,
        findings=(replace(found, rho=value, clock=clock, gap_rhythm={"median_s": value}),),
        impact=(replace(case.impact[0], low=value),),
        power=(Power("repost", 3, 4, 5, value),),
    )
    assert_same(odd, again(odd, tmp_path))


@pytest.mark.parametrize(
    ("objects", "labels", "targets", "target_labels", "kept"),
    [
        ([0, 1, 1, 1, 1], ["a", "b"], [0, 1, 1, 1, 1], ["s", "t"], "columns"),
        ([0, 1, 1, 1, 1], ["a", "b"], [-1] * 5, [], "columns"),
        ([1, 0, 0, 0, 0], ["a", "b"], [-1, 0, -1, 0, 0], ["t"], "numbered"),  # out of order
        ([0, 1, 1, 1, 1], ["same", "same"], [-1] * 5, [], "numbered"),
        ([0, 1, 1, 1, 1], ["a", "b"], [1, 0, 0, 0, 0], ["t", "t"], "numbered"),
        ([0, 2, 2, 2, 2], ["a", "unused", "b"], [-1] * 5, [], "whole"),
        ([0, 1, 1, 1, 1], ["a", "b"], [-1] * 5, ["unused"], "whole"),
    ],
)
def test_store_gives_back_actions_however_they_are_named(
    case: Case,
    tmp_path: Path,
    objects: list[int],
    labels: list[str],
    targets: list[int],
    target_labels: list[str],
    kept: str,
) -> None:
    layer = case.layers[0]
    odd = replace(
        layer.actions,
        object=np.array(objects, np.int32),
        labels=pa.array(labels),
        target=np.array(targets, np.int32),
        target_labels=pa.array(target_labels, pa.string()),
    )
    assert kept_as(odd, case.posts) == kept
    made = replace(case, layers=(replace(layer, actions=odd), *case.layers[1:]))
    assert_same(made, again(made, tmp_path))


def test_store_gives_back_actions_that_are_not_the_posts_own(case: Case, tmp_path: Path) -> None:
    layer = case.layers[0]
    odd = replace(layer.actions, account=layer.actions.account[::-1].copy())
    assert kept_as(odd, case.posts) == "whole"
    made = replace(case, layers=(replace(layer, actions=odd), *case.layers[1:]))
    assert_same(made, again(made, tmp_path))


def test_store_gives_back_numpy_scalars_as_plain_numbers(case: Case, tmp_path: Path) -> None:
    found = case.findings[0]
    typed = replace(
        case,
        findings=(replace(found, observed=np.int64(7), q=np.float64(0.004)),),  # type: ignore[arg-type]
    )
    assert_same(case, again(typed, tmp_path))


def test_store_equal_cases_are_equal_bytes(case: Case, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    case.save(tmp_path / "a.klieg")
    case_worlds.small_case().save(tmp_path / "elsewhere" / "another name.klieg")
    assert file_hashes(tmp_path / "a.klieg") == file_hashes(
        tmp_path / "elsewhere" / "another name.klieg"
    )


def test_store_a_restored_case_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    hostile = case_worlds.hostile_case(HOSTILE)
    hostile.save(tmp_path / "a.klieg")
    open_case(tmp_path / "a.klieg").save(tmp_path / "b.klieg")
    assert file_hashes(tmp_path / "a.klieg") == file_hashes(tmp_path / "b.klieg")


@given(cuts=st.lists(st.integers(1, 11), max_size=4))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_store_bytes_do_not_depend_on_chunks(cuts: list[int], tmp_path: Path) -> None:
    case = case_worlds.small_case()
    edges = [0, *sorted(set(cuts)), 12]
    table = pa.concat_tables(
        [case.posts.table.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    )
    case.save(tmp_path / "whole.klieg", force=True)
    replace(case, posts=replace(case.posts, table=table)).save(tmp_path / "cut.klieg", force=True)
    assert file_hashes(tmp_path / "whole.klieg") == file_hashes(tmp_path / "cut.klieg")


def test_store_holds_no_folder_and_no_place_of_work(case: Case, tmp_path: Path) -> None:
    entry = {**case.intake.inputs[0], "path": str(tmp_path / "bridge.jsonl")}
    run = replace(
        case.run,
        command=("scan", str(tmp_path / "bridge.jsonl"), "--threads", "3", f"-o={tmp_path}/x"),
        config={**case.run.config, "threads": 3, "memory": "4GiB", "executor": "threads"},
    )
    made = replace(case, run=run, intake=replace(case.intake, inputs=(entry,)))
    made.save(tmp_path / "a.klieg")
    case.save(tmp_path / "b.klieg")
    content = (tmp_path / "a.klieg").read_bytes() + (tmp_path / "a.klieg.parquet").read_bytes()
    assert str(tmp_path).encode() not in content
    assert "threads" not in run.config
    assert "3" not in run.command
    assert open_case(tmp_path / "a.klieg").intake.inputs[0]["path"] == "bridge.jsonl"


def test_store_parquet_names_what_every_post_did(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    table = pq.read_table(tmp_path / "a.klieg.parquet")
    assert table.column_names[: len(POSTS.names)] == POSTS.names
    assert table["act:repost"].to_pylist()[1:7] == ["900", "900", "900", None, "904", "904"]
    assert table["act:link:target"].to_pylist()[7] == "example.org"


def test_store_tables_answer_queries(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg")
    rows = db.execute(
        'select a.account_id, b.account_id, n, "window", validated from edge '
        'join account a on a.account = "left" join account b on b.account = "right" '
        "join layer using (layer) where signal = 'repost' order by 1, 2"
    ).fetchall()
    db.close()
    assert rows == [
        ("2000000000000000002", "-cleo", 1, 60, 0),
        ("2000000000000000002", "alma_b", 2, 60, 1),
        ("alma_b", "-cleo", 1, 60, 0),
    ]


@pytest.mark.parametrize("size", [59, 60, 61, 121, 250])
def test_store_writes_every_edge_however_many(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(layers, "EDGES_AT_ONCE", 120)
    few = case.layers[1].scored
    rows = np.arange(size) % few.edges.size
    edges = {
        field.name: getattr(few.edges, field.name)[rows] for field in dataclasses.fields(few.edges)
    }
    edges |= {"left": np.arange(size, dtype=np.int32), "right": np.arange(size, dtype=np.int32) + 1}
    scores = {
        field.name: getattr(few, field.name)[rows]
        for field in dataclasses.fields(few)
        if field.name not in ("signal", "edges")
    }
    many = replace(few, edges=replace(few.edges, **edges), **scores)
    made = replace(
        case, layers=(case.layers[0], replace(case.layers[1], scored=many), case.layers[2])
    )
    assert_same(made, again(made, tmp_path))
    db = sqlite3.connect(tmp_path / "again.klieg")
    kept = db.execute('select "left", n, validated from edge where layer = 1').fetchall()
    db.close()
    wanted = zip(
        many.edges.left.tolist(),
        many.edges.n[np.arange(size), many.best].tolist(),
        many.validated.tolist(),
        strict=True,
    )
    assert kept == [(a, n, int(v)) for a, n, v in wanted]


def test_store_has_the_tables_of_the_design(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg")
    tables = {n for (n,) in db.execute("select name from sqlite_master where type = 'table'")}
    version = db.execute("pragma user_version").fetchone()
    db.close()
    assert tables >= {
        *("run", "input", "account", "layer", "edge", "finding", "member", "finding_post"),
        *("highlight", "impact", "null_stat", "power", "decision", "audit", "cache"),
        *("finding_act", "act_highlight"),
    }
    assert version == (4,)


def test_store_audit_only_grows(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg", isolation_level=None)
    db.execute("insert into audit values (1, 0, 'ana', 'open', '{}', '', 'h1')")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("update audit set actor = 'nobody'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute("delete from audit")
    assert db.execute("select count(*) from audit").fetchone() == (1,)
    db.close()


def test_store_replaces_only_with_force(case: Case, quiet: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    before = file_hashes(tmp_path / "a.klieg")
    with pytest.raises(StoreError, match="exists"):
        quiet.save(tmp_path / "a.klieg")
    assert file_hashes(tmp_path / "a.klieg") == before
    quiet.save(tmp_path / "a.klieg", force=True)
    assert open_case(tmp_path / "a.klieg").findings == ()


@pytest.mark.parametrize(
    "statement",
    [
        "insert into decision values (1, 'f-1', 0, 'ana', 'dismissed', '')",
        "insert into audit values (1, 0, 'ana', 'open', '{}', '', 'h1')",
    ],
)
def test_store_never_replaces_what_people_decided(
    case: Case, tmp_path: Path, statement: str
) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg", isolation_level=None)
    db.execute(statement)
    db.close()
    with pytest.raises(StoreError, match="never replaced"):
        case.save(tmp_path / "a.klieg", force=True)
    assert len(open_case(tmp_path / "a.klieg").findings) == 1


def test_store_never_replaces_a_file_that_is_no_case(case: Case, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text("{}\n")
    with pytest.raises(StoreError, match="not a case"):
        case.save(tmp_path / "posts.jsonl", force=True)
    assert (tmp_path / "posts.jsonl").read_text() == "{}\n"
    (tmp_path / "b.klieg.parquet").write_text("mine")
    with pytest.raises(StoreError, match="exists"):
        case.save(tmp_path / "b.klieg")


def test_store_leaves_nothing_behind_when_it_fails(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.save(tmp_path / "a.klieg")
    before = file_hashes(tmp_path / "a.klieg")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_layers", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        case.save(tmp_path / "a.klieg", force=True)
    assert file_hashes(tmp_path / "a.klieg") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.klieg", "a.klieg.parquet"]


def test_store_refuses_text_that_is_no_unicode(case: Case, tmp_path: Path) -> None:
    broken = replace(case, notes=("lone surrogate \ud800",))
    with pytest.raises(StoreError, match="no Unicode"):
        broken.save(tmp_path / "a.klieg")
    assert list(tmp_path.iterdir()) == []


def test_store_says_what_is_wrong_with_a_path(case: Case, tmp_path: Path) -> None:
    with pytest.raises(NotInCase, match="no case"):
        open_case(tmp_path / "absent.klieg")
    with pytest.raises(StoreError, match="folder"):
        open_case(tmp_path)
    with pytest.raises(StoreError, match="folder"):
        case.save(tmp_path)
    with pytest.raises(StoreError, match="no folder"):
        case.save(tmp_path / "absent" / "a.klieg")


def test_store_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "text.klieg").write_text("hello")
    (tmp_path / "empty.klieg").write_bytes(b"")
    db = sqlite3.connect(tmp_path / "other.klieg")
    db.execute("create table mine (x)")
    db.close()
    for name, reason in (("text", "no SQLite"), ("empty", "no SQLite"), ("other", "not a case")):
        with pytest.raises(StoreError, match=reason):
            open_case(tmp_path / f"{name}.klieg")


def test_store_refuses_a_newer_schema(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg")
    db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"schema 99.*update klieg"):
        open_case(tmp_path / "a.klieg")


def test_store_brings_older_schemas_up_to_date_without_touching_them(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.save(tmp_path / "a.klieg")
    before = file_hashes(tmp_path / "a.klieg")
    first = store._migrations()
    monkeypatch.setattr(
        store,
        "_migrations",
        lambda: [*first, "-- the fifth\nalter table power add column note text;\n"],
    )
    assert_same(case, open_case(tmp_path / "a.klieg"))
    assert file_hashes(tmp_path / "a.klieg") == before
    with store._opened(tmp_path / "a.klieg") as db:
        assert db.execute("pragma user_version").fetchone() == (5,)
        assert "note" in [row[1] for row in db.execute("pragma table_info(power)")]


def test_store_opens_cases_from_before_there_were_acts(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg")
    columns = ("run", "acts"), ("run", "acts_sha256"), ("member", "acts"), ("member", "probability")
    for table, column in columns:
        db.execute(f"alter table {table} drop column {column}")
    db.execute("drop table finding_act")
    db.execute("drop table act_highlight")
    db.execute("pragma user_version = 2")
    db.commit()
    db.close()
    assert_same(_unasked(case, detail=False), open_case(tmp_path / "a.klieg"))


def test_store_opens_cases_from_before_findings_were_tried(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    db = sqlite3.connect(tmp_path / "a.klieg")
    ((detail,),) = db.execute("select detail from finding").fetchall()
    told = json.loads(detail)
    for name in ("controls", "retests", "dealt", "survived", "posterior"):
        del told[name]
    db.execute("update finding set detail = ?", (json.dumps(told),))
    db.execute("alter table member drop column probability")
    db.execute("pragma user_version = 3")
    db.commit()
    db.close()
    assert_same(_unasked(case, detail=True), open_case(tmp_path / "a.klieg"))


def _unasked(case: Case, *, detail: bool) -> Case:
    """The case as one that put no probability to a member, and tried nothing if ``detail``."""
    (found,) = case.findings
    found = replace(found, members=tuple(replace(m, probability=None) for m in found.members))
    if detail:
        found = replace(found, controls=None, retests=(), dealt="", survived=(), posterior=None)
    return replace(case, findings=(found,))


def test_store_needs_the_posts_it_was_saved_with(case: Case, quiet: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    other = replace(quiet, posts=replace(quiet.posts), layers=quiet.layers[:1])
    other.save(tmp_path / "b.klieg")
    (tmp_path / "b.klieg.parquet").replace(tmp_path / "a.klieg.parquet")
    with pytest.raises(StoreError, match="is not the one"):
        open_case(tmp_path / "a.klieg")
    (tmp_path / "a.klieg.parquet").unlink()
    with pytest.raises(StoreError, match=r"a\.klieg\.parquet back"):
        open_case(tmp_path / "a.klieg")


@given(at=st.integers(100, 200_000), keep=st.integers(100, 60_000), value=st.integers(0, 255))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_store_damage_is_an_error_or_harmless(
    at: int, keep: int, value: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.klieg"
    case_worlds.small_case().save(path, force=True)
    whole = path.read_bytes()
    for damaged in (
        whole[:keep],
        whole[: at % len(whole)] + bytes([value]) * 64 + whole[at % len(whole) + 64 :],
    ):
        path.write_bytes(damaged)
        try:
            open_case(path)
        except StoreError as error:
            assert "damaged" in str(error) or "not a case" in str(error) or "newer" in str(error)
    path.write_bytes(whole)
