"""Exports: each format loads back in the tools that read it, and runs nothing on the way."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import case_worlds
import jsonschema
import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from klieg.case import Case, open_case, pseudonymise
from klieg.case.export import SUFFIXES, document, export, schema, write_csv
from klieg.case.export.as_csv import instant, safe_cell
from klieg.case.export.as_graph import legal
from klieg.case.frames import FRAMES
from klieg.errors import ConfigError, NotInCase, StoreError

HOSTILE = [
    "nul \x00 inside",
    "\u202eevil\u202c",
    "שלום",
    "🌉👩‍👩‍👧",
    '=cmd|" /C calc"!A0',
    "]]><script>alert(1)</script>&amp;",
    "line\r\nbreak\ttab",
    "\x1b[31mred\x07",
    "\uffff\ufffe",
    "  + spaces",
]


# --- JSON ----------------------------------------------------------------------------------------


def valid(whole: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    assert not list(validator.iter_errors(whole))


def test_export_schema_is_a_schema_and_refuses_what_it_should(case: Case) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    whole = document(case)
    valid(whole)
    for path, value in (
        (("schema_version",), "2"),
        (("findings", 0, "class"), "fake"),
        (("findings", 0, "id"), "f-1"),
        (("findings", 0, "review"), "reviewed"),
        (("findings", 0, "span", "start"), 1709553620),
        (("totals", "posts"), -1),
    ):
        wrong = json.loads(json.dumps(whole))
        place = wrong
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**whole, "timings": {}}, schema())


def test_export_json_holds_the_ids_of_the_input(case: Case) -> None:
    found = document(case)["findings"][0]
    assert found["accounts"] == [case_worlds.ALMA, case_worlds.BENO, case_worlds.CLEO]
    assert found["posts"] == ["901", "902", "903", "905", "906", "907", "908", "909"]
    assert found["narrative"]["exemplars"] == ["907", "900"]
    assert found["joint_acts"][0]["posts"] == ["907", "908", "909"]
    assert found["span"] == {"start": "2024-03-04T12:00:20Z", "end": "2024-03-04T14:00:19Z"}
    assert found["look_alike"]["kind"] == "fans"
    assert found["impact"][0]["with"] == 0.75
    assert found["class"] == "look-alike"


def test_export_json_keys_stand_in_the_order_of_the_schema(case: Case) -> None:
    whole, published = document(case), schema()
    definitions = published["$defs"]
    assert list(whole) == published["required"]
    assert list(whole["run"]) == definitions["run"]["required"]
    assert list(whole["totals"]) == definitions["totals"]["required"]
    assert list(whole["findings"][0]) == definitions["finding"]["required"]
    assert list(whole["totals"]["impact"][0]) == definitions["impact"]["required"]


def test_export_json_is_valid_without_optional_parts(case: Case, quiet: Case) -> None:
    bare = replace(
        case.findings[0], look_alike=None, clock=None, breadth=None, narrative=None, subclass=""
    )
    found = document(replace(case, findings=(bare,)))["findings"][0]
    assert (found["look_alike"], found["clock"], found["subclass"]) == (None, None, None)
    valid(document(replace(case, findings=(bare,))))
    empty = case_worlds.posts_of([])
    none = replace(quiet, posts=empty, layers=case_worlds.layers_of(empty))
    valid(document(none))
    assert document(none)["totals"]["span"] is None


def test_export_json_has_no_number_that_json_cannot_say(case: Case, tmp_path: Path) -> None:
    odd = replace(
        case, findings=(replace(case.findings[0], rho=float("inf"), q=np.float64("nan")),)
    )
    export(odd, tmp_path / "a.json")
    found = json.loads(
        (tmp_path / "a.json").read_text(encoding="utf-8"), parse_constant=pytest.fail
    )
    assert found["findings"][0]["rho"] is None
    valid(found)


def test_export_json_says_hostile_strings_as_they_are(tmp_path: Path) -> None:
    hostile = case_worlds.hostile_case(HOSTILE)
    export(hostile, tmp_path / "a.json")
    whole = json.loads((tmp_path / "a.json").read_bytes())
    valid(whole)
    assert whole["findings"][0]["sentence"] == hostile.findings[0].sentence


# --- CSV -----------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", list(FRAMES))
def test_export_csv_and_parquet_hold_every_table(case: Case, tmp_path: Path, name: str) -> None:
    table = case.to_arrow(name)
    export(case, tmp_path / "t.csv", table=name)
    export(case, tmp_path / "t.parquet", table=name)
    rows = rows_of(tmp_path / "t.csv")
    header = (tmp_path / "t.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert header.split(",") == table.column_names
    assert len(rows) == table.num_rows
    assert pq.read_table(tmp_path / "t.parquet").equals(table)


def test_export_csv_says_times_nulls_and_lists(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "posts.csv", table="posts")
    rows = rows_of(tmp_path / "posts.csv")
    assert rows[0]["time"] == "2024-03-04T12:00:00Z"
    assert rows[0]["repost_of"] == ""
    assert json.loads(rows[0]["hashtags"]) == ["bridge"]
    assert rows[1]["findings"] == case.findings[0].id
    export(case, tmp_path / "edges.csv", table="edges")
    assert rows_of(tmp_path / "edges.csv")[0]["validated"] == "false"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\tx",
        "\rx",
        "  =1",
        '"=1',
        "' =1",
        "“=1”",
        "\u200b=1",
        "\ufeff\u00a0=1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM",
        "﹦1",
        "\n=1",
        "-2+3",
        "-1e9",
        "-cleo",
    ],
)
def test_export_csv_prefixes_what_a_spreadsheet_would_run(cell: str) -> None:
    assert safe_cell(cell).startswith("'")


@pytest.mark.parametrize("cell", ["", "a=1", "1-2", "hello", "-1001234567", "a@b", "é", "'", '""'])
def test_export_csv_leaves_other_cells_alone(cell: str) -> None:
    assert safe_cell(cell) == cell


@given(
    st.text(alphabet=st.sampled_from("=+-@＝＋－＠ \t\r\n\"'“a1\x00\u200b\u202e⁺﹢"), max_size=8)
)
@settings(max_examples=300)
def test_export_csv_no_cell_runs(text: str) -> None:
    shown = safe_cell(text)
    if shown.startswith("'") or (text[:1] == "-" and text[1:].isdigit()):
        return
    seen = "".join(c for c in shown if unicodedata.category(c) not in ("Cf", "Cc", "Zs"))
    seen = unicodedata.normalize("NFKC", seen).lstrip(" \"'“")
    assert seen[:1] not in ("=", "+", "-", "@")
    assert shown[:1] not in ("\t", "\r")


@given(st.lists(st.text(max_size=9), min_size=1, max_size=5))
@example(["a\rb", "\r\n", "x\x00y", '"', ",", "=1"])
@settings(max_examples=150)
def test_export_csv_raw_cells_come_back_as_they_were(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    write_csv(pa.table({"text": pa.array(cells, pa.string())}), out, raw_cells=True)
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert [row[0] for row in rows[1:]] == cells


@given(st.lists(st.text(max_size=9), min_size=1, max_size=5))
@example(["\x1b[31m", "a\rb", "\x9b1m"])
@settings(max_examples=150)
def test_export_csv_cells_keep_their_rows_and_hold_no_control(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    write_csv(pa.table({"text": pa.array(cells, pa.string())}), out)
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert len(rows) == len(cells) + 1
    assert not set(out.getvalue()) & {*map(chr, range(9)), *map(chr, range(11, 32)), "\x7f", "\x9b"}


def test_export_csv_of_hostile_ids_is_safe_unless_raw(tmp_path: Path) -> None:
    hostile = case_worlds.hostile_case(["=cmd|x"])
    names = hostile.posts.account_ids.to_pylist()
    export(hostile, tmp_path / "a.csv", table="members")
    export(hostile, tmp_path / "b.csv", table="members", raw_cells=True)
    assert [r["account_id"] for r in rows_of(tmp_path / "a.csv")] == [f"'{n}" for n in names[1:]]
    assert [r["account_id"] for r in rows_of(tmp_path / "b.csv")] == names[1:]


def test_export_instant_shows_fractions_only_where_there_are_any() -> None:
    assert instant(0) == "1970-01-01T00:00:00Z"
    assert instant(1_500_000) == "1970-01-01T00:00:01.500000Z"
    assert instant(-1) == "1969-12-31T23:59:59.999999Z"
    assert instant(None) == ""


# --- posts behind, ids only ----------------------------------------------------------------------


def test_export_posts_behind_a_pair_and_a_finding(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "pair.csv", pair=(case_worlds.ALMA, case_worlds.BENO))
    rows = rows_of(tmp_path / "pair.csv")
    assert [r["post_id"] for r in rows] == ["907", "908", "901", "902", "905", "906"]
    assert rows[0]["delay_s"] == "-7.0"
    export(case, tmp_path / "finding.csv", finding=case.findings[0].id)
    assert len(rows_of(tmp_path / "finding.csv")) == 8
    with pytest.raises(NotInCase):
        export(case, tmp_path / "no.csv", finding="f-000000000000")
    assert not (tmp_path / "no.csv").exists()


def test_export_dehydrated_holds_ids_only(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "posts.csv", table="posts", dehydrate=True)
    assert list(rows_of(tmp_path / "posts.csv")[0]) == ["platform", "post_id", "account_id"]
    export(case, tmp_path / "f.csv", finding=case.findings[0].id, dehydrate=True)
    content = (tmp_path / "f.csv").read_text(encoding="utf-8")
    assert "907" in content
    assert "bridge" not in content


# --- graphs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gexf", ".graphml"])
@pytest.mark.parametrize("kind", ["plain", "hostile"])
def test_export_graphs_load_back_with_every_attribute(
    case: Case, tmp_path: Path, suffix: str, kind: str
) -> None:
    made = case if kind == "plain" else case_worlds.hostile_case(HOSTILE)
    export(made, tmp_path / f"a{suffix}")
    read = nx.read_gexf if suffix == ".gexf" else nx.read_graphml
    back = read(tmp_path / f"a{suffix}")
    graph = made.network().to_networkx()
    assert sorted(back) == sorted(map(legal, graph))
    assert back.number_of_edges() == graph.number_of_edges()
    for node, wanted in graph.nodes(data=True):
        got = {k: v for k, v in back.nodes[legal(node)].items() if k != "label"}
        assert got == {k: legal(v) if isinstance(v, str) else v for k, v in wanted.items()}
    for a, b, wanted in graph.edges(data=True):
        got = {k: v for k, v in back.edges[legal(a), legal(b)].items() if k != "id"}
        assert got == wanted
        assert {k: type(v) for k, v in got.items()} == {k: type(v) for k, v in wanted.items()}


@settings(max_examples=40, deadline=None)
@given(strings=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5))
def test_export_graphs_of_any_ids_load_back(
    strings: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("graphs")
    hostile = case_worlds.hostile_case(strings)
    for suffix, read in ((".gexf", nx.read_gexf), (".graphml", nx.read_graphml)):
        export(hostile, folder / f"a{suffix}")
        back = read(folder / f"a{suffix}")
        assert len(back) == 4
        assert back.number_of_edges() == 6


def test_export_graph_keeps_ids_apart_that_xml_would_confuse(case: Case, tmp_path: Path) -> None:
    posts = replace(case.posts, account_ids=pa.array(["a\x00", "a\\x00", "c", "d"]))
    export(replace(case, posts=posts), tmp_path / "a.graphml")
    assert len(nx.read_graphml(tmp_path / "a.graphml")) == 4


def test_export_gexf_is_of_version_1_3_and_says_unreviewed(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "a.gexf")
    export(case, tmp_path / "a.graphml")
    text = (tmp_path / "a.gexf").read_text(encoding="utf-8")
    assert 'xmlns="http://gexf.net/1.3"' in text
    assert 'version="1.3"' in text
    assert "lastmodifieddate" not in text
    assert "unreviewed" in text
    assert nx.read_graphml(tmp_path / "a.graphml").graph["review"] == "unreviewed"


# --- the door ------------------------------------------------------------------------------------


def test_export_is_the_same_bytes_each_time(case: Case, tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        for name in ("a", "b"):
            export(case_worlds.small_case(), tmp_path / f"{name}{suffix}")
        a, b = (tmp_path / f"{name}{suffix}" for name in ("a", "b"))
        assert a.read_bytes() == b.read_bytes(), suffix


def test_export_knows_formats_by_suffix_only(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.json"):
        export(case, tmp_path / "a.xlsx")
    export(case, tmp_path / "A.JSON")
    valid(json.loads((tmp_path / "A.JSON").read_text(encoding="utf-8")))


@pytest.mark.parametrize("asked", [{"table": "edges"}, {"finding": "f"}, {"dehydrate": True}])
def test_export_refuses_what_does_not_go_together(
    case: Case, tmp_path: Path, asked: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"\.csv and \.parquet"):
        export(case, tmp_path / "a.json", **asked)
    assert list(tmp_path.iterdir()) == []


def test_export_replaces_a_file_whole_or_not_at_all(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text("old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("klieg.case.export.write_json", full_disk)
        with pytest.raises(StoreError, match="No space left"):
            export(case, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    export(case, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() != "old"


def test_export_a_shared_case_opens_again(case: Case, tmp_path: Path) -> None:
    export(case, tmp_path / "a.klieg", share=True, key=b"k" * 32)
    again = open_case(tmp_path / "a.klieg")
    wanted = pseudonymise(case, b"k" * 32)
    assert again.posts.table.equals(wanted.posts.table)
    assert again.findings == wanted.findings
