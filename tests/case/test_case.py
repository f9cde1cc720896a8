"""What a Case answers: findings, the posts behind a claim, the network, flat tables."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import case_worlds
import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.case import Case, Run
from klieg.case.behind import BEHIND
from klieg.case.frames import FRAMES
from klieg.errors import ConfigError, MissingExtra, NotInCase

ALMA, BENO, CLEO, DORA = case_worlds.ALMA, case_worlds.BENO, case_worlds.CLEO, case_worlds.DORA


def test_case_finding_by_id_names_the_nearest(case: Case) -> None:
    known = case.findings[0]
    assert case.finding(known.id) is known
    with pytest.raises(NotInCase, match=known.id):
        case.finding(known.id[:-1] + "x")


def test_case_edge_posts_shows_each_post_beside_its_partner(case: Case) -> None:
    rows = case.edge_posts(ALMA, BENO).to_pylist()
    short = [(r["signal"], r["object"], r["post_id"], r["partner_post_id"]) for r in rows]
    assert short == [
        ("link", case_worlds.PETITION, "907", "908"),
        ("link", case_worlds.PETITION, "908", "907"),
        ("repost", "900", "901", "902"),
        ("repost", "900", "902", "901"),
        ("repost", "904", "905", "906"),
        ("repost", "904", "906", "905"),
    ]
    assert [r["delay_s"] for r in rows] == [-7.0, 7.0, -11.0, 11.0, -25.0, 25.0]
    assert {(r["account_id"], r["partner_account_id"]) for r in rows} == {
        (ALMA, BENO),
        (BENO, ALMA),
    }
    assert rows[0]["text"].startswith("Sign for the bridge NOW")


def test_case_edge_posts_takes_an_index_and_either_order(case: Case) -> None:
    assert case.edge_posts(2, 1).equals(case.edge_posts(ALMA, BENO))
    assert case.edge_posts(BENO, ALMA).equals(case.edge_posts(ALMA, BENO))


def test_case_edge_posts_of_two_who_never_met_is_empty(case: Case) -> None:
    apart = replace(case, layers=case.layers[1:])  # reposts: Dora made none
    table = apart.edge_posts(DORA, CLEO)
    assert table.num_rows == 0
    assert table.schema == BEHIND


def test_case_edge_posts_stops_at_the_widest_window() -> None:
    day = 86_400
    rows = [
        (0, "ann", "post", None, "https://a.example", "one"),
        (day, "bob", "post", None, "https://a.example", "two"),
        (2 * day + 1, "ann", "post", None, "https://a.example", "three"),
    ]
    posts = case_worlds.posts_of(
        [*rows, *[(10**7 + i, "z", "post", None, None, "") for i in range(9)]]
    )
    case = replace(case_worlds.quiet_case(), posts=posts, layers=case_worlds.layers_of(posts))
    assert case.edge_posts("ann", "bob")["post_id"].to_pylist() == ["900", "901"]


def test_case_an_unknown_account_names_the_nearest(case: Case) -> None:
    with pytest.raises(NotInCase, match="alma_b"):
        case.edge_posts("alma_c", BENO)
    with pytest.raises(NotInCase, match="number 9"):
        case.edge_posts(9, 0)


def test_case_an_account_of_two_platforms_needs_its_platform(case: Case) -> None:
    posts = replace(
        case.posts,
        account_ids=pa.array([DORA, "same", "same", CLEO]),
        account_platforms=pa.array(["x", "x", "telegram", "x"]),
    )
    both = replace(case, posts=posts)
    with pytest.raises(NotInCase, match=r"x:same, telegram:same"):
        both.edge_posts("same", CLEO)
    assert both.edge_posts("telegram:same", CLEO).equals(both.edge_posts(2, 3))


def test_case_finding_posts_are_those_that_took_part(case: Case) -> None:
    found = case.findings[0]
    table = case.finding_posts(found.id)
    rows = [case.posts.table["post_id"].to_pylist().index(i) for i in table["post_id"].to_pylist()]
    assert set(rows) == set(found.posts)
    assert "910" not in table["partner_post_id"].to_pylist()  # Dora is no member
    with pytest.raises(NotInCase):
        case.finding_posts("f-000000000000")


def test_case_finding_posts_keeps_a_post_without_a_partner(case: Case) -> None:
    found = replace(case.findings[0], posts=(1, 2, 11))
    rows = replace(case, findings=(found,)).finding_posts(found.id).to_pylist()
    assert rows[-1]["post_id"] == "911"
    assert rows[-1]["signal"] is None
    assert rows[-1]["delay_s"] is None


@settings(max_examples=60, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.integers(0, 200_000), st.sampled_from("abcd"), st.sampled_from("xyz")),
        min_size=2,
        max_size=14,
    )
)
def test_case_edge_posts_equal_brute_force(acts: list[tuple[int, str, str]]) -> None:
    rows = [(s, who, "post", None, f"https://{what}.example", "") for s, who, what in sorted(acts)]
    rows = rows + [(10**7 + i, "z", "post", None, None, "") for i in range(12)]
    posts = case_worlds.posts_of(rows)
    layer = case_worlds.layers_of(posts)[0]
    case = replace(case_worlds.quiet_case(), posts=posts, layers=(layer,))
    if {"a", "b"} - set(posts.account_ids.to_pylist()):
        return
    wanted = set()
    for i, (t, who, _, _, link, _) in enumerate(rows):
        near = [
            (abs(t - u), j)
            for j, (u, other, _, _, same, _) in enumerate(rows)
            if link == same and link and {who, other} == {"a", "b"} and abs(t - u) <= 86_400
        ]
        if near:
            wanted.add((str(900 + i), min(near)[0]))
    table = case.edge_posts("a", "b")
    got = zip(table["post_id"].to_pylist(), np.abs(table["delay_s"].to_numpy()), strict=True)
    assert {(p, int(d)) for p, d in got} == wanted


def test_case_network_joins_layers_into_one_edge(case: Case) -> None:
    graph = case.network().to_networkx()
    assert isinstance(graph, nx.Graph)
    assert not graph.is_multigraph()
    edge = graph.edges[ALMA, BENO]
    assert edge["layers"] == "link; repost; multiplex"
    assert (edge["repost_n"], edge["link_n"], edge["multiplex_n"]) == (2, 1, 3)
    assert edge["validated"] is True
    assert edge["weight"] == max(edge[f"{s}_surprise"] for s in ("link", "repost", "multiplex"))
    assert graph.nodes[ALMA]["findings"] == case.findings[0].id
    assert graph.nodes[ALMA]["class"] == "look-alike"
    assert "findings" not in graph.nodes[DORA]
    assert graph.nodes[DORA]["posts"] == 3


def test_case_network_keeps_one_id_on_two_platforms_apart(case: Case) -> None:
    posts = replace(
        case.posts,
        account_ids=pa.array(["same", "same", "c", "d"]),
        account_platforms=pa.array(["x", "telegram", "x", "x"]),
    )
    graph = replace(case, posts=posts).network().to_networkx()
    assert set(graph) == {"x:same", "telegram:same", "x:c", "x:d"}


def test_case_network_without_edges_or_findings_is_empty(quiet: Case) -> None:
    assert len(replace(quiet, layers=()).network().to_networkx()) == 0


@pytest.mark.parametrize("name", list(FRAMES))
def test_case_tables_keep_their_columns_when_empty(case: Case, quiet: Case, name: str) -> None:
    full = case.to_arrow(name)
    empty = replace(quiet, layers=(), power=()).to_arrow(name)
    assert full.num_rows > 0 or name in ("acts", "act_highlights")  # tests/test_reactions.py
    assert empty.schema.names == full.schema.names
    assert [f.type for f in empty.schema] == [f.type for f in full.schema]


def test_case_edges_table_shows_the_best_window(case: Case) -> None:
    rows = [r for r in case.to_arrow("edges").to_pylist() if r["signal"] == "repost"]
    assert [(r["left"], r["right"], r["n"], r["window_s"]) for r in rows] == [
        (ALMA, BENO, 2, 60),
        (ALMA, CLEO, 1, 60),
        (BENO, CLEO, 1, 60),
    ]
    assert all(r["surprise"] == pytest.approx(-np.log10(r["p"])) for r in rows)
    assert all(r["first"] <= r["last"] for r in rows)


def test_case_a_p_of_zero_has_a_finite_surprise(case: Case) -> None:
    layer = case.layers[1]
    sure = replace(layer, scored=replace(layer.scored, p=np.zeros(3)))
    table = replace(case, layers=(sure,)).to_arrow("edges")
    assert table["surprise"].to_pylist() == [pytest.approx(323.306, abs=1e-3)] * 3


def test_case_windows_finer_than_the_clock_are_left_out_at_the_narrow_end(case: Case) -> None:
    layer = case.layers[1]
    coarse = replace(
        layer.scored,
        edges=replace(layer.scored.edges, n=layer.scored.edges.n[:, 2:]),
        expected=layer.scored.expected[:, 2:],
        best=np.zeros(3, np.uint8),
    )
    table = replace(case, layers=(replace(layer, scored=coarse),)).to_arrow("edges")
    assert set(table["window_s"].to_pylist()) == {600}


def test_case_tables_have_no_unknown_name(case: Case) -> None:
    with pytest.raises(ConfigError, match=r"findings \| members"):
        case.to_arrow("finding")


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_case_frames_say_what_to_install(
    case: Case, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("klieg.case.case.import_module", absent)
    with pytest.raises(MissingExtra, match=r"klieg\[frames\]"):
        getattr(case, f"to_{library}")("edges")


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_case_frames_hold_the_table(case: Case, library: str) -> None:
    pytest.importorskip(library, reason=f"{library} is not installed (klieg[frames])")
    importlib.import_module(library)
    for name in FRAMES:
        frame = getattr(case, f"to_{library}")(name)
        assert list(frame.columns) == case.to_arrow(name).column_names
        assert len(frame) == case.to_arrow(name).num_rows


def test_case_notebook_form_escapes_texts(case: Case, quiet: Case) -> None:
    evil = replace(case.findings[0], sentence="<script>alert(1)</script> & more")
    shown = replace(case, findings=(evil,))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in shown
    assert "unreviewed" in shown
    assert "Nothing stood out" in quiet._repr_html_()
    many = replace(case, findings=case.findings * 23)._repr_html_()
    assert "and 3 more" in many


def test_case_run_forgets_where_it_was_computed() -> None:
    run = Run(
        version="1",
        config={"seed": 1, "threads": 4, "memory": "1GiB", "executor": "processes"}
        | {"ray_address": "10.0.0.1:6379", "resume": "/scratch"},
        seed=1,
        engine="cpu",
        embedder="",
        llm="",
        signals={},
        command=(
            *("scan", "/data/posts.csv", "--threads", "4", "--memory=2GiB", "--executor", "ray"),
            *("--report=/tmp/r.html", "-o", "C:\\cases\\y.klieg", "-o/tmp/z.klieg"),
            *("--ray-address", "auto", "--resume=/scratch", "--engine", "ray", "--engine=ray"),
            *("--map", "text=body", "sub/posts.csv", "--share", "--engine", "reference"),
        ),
    )
    assert run.config == {"seed": 1}
    assert run.command == (
        *("scan", "posts.csv", "--report=r.html", "-o", "y.klieg", "-oz.klieg"),
        *("--map", "text=body", "sub/posts.csv", "--share", "--engine", "reference"),
    )
    assert replace(run) == run
