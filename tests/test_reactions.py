"""A ring that likes together among ordinary liking, from the acts to the case and back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import klieg
from klieg.case import Case
from klieg.case.export import document, export, schema
from klieg.cli import verbs
from klieg.config import Config
from klieg.errors import InputError, StoreError
from klieg.sources.simulate.reactions import DEFAULT_RINGS, ReactionWorld, reactions
from klieg.tables import Finding

SMALL = Config(shuffles=0, threads=2)


@pytest.fixture(scope="module")
def world() -> ReactionWorld:
    return reactions(seed=5, accounts=1200)


@pytest.fixture(scope="module")
def case(world: ReactionWorld) -> Case:
    return klieg.scan(world.posts, acts=world.acts, config=SMALL)


def members(case: Case, finding: Finding) -> set[str]:
    ids = case.posts.account_ids.to_pylist()
    return {ids[m.account] for m in finding.members}


def nearest(case: Case, wanted: tuple[str, ...]) -> tuple[float, Finding]:
    def jaccard(finding: Finding) -> float:
        got = members(case, finding)
        return len(got & {*wanted}) / len(got | {*wanted})

    best = max(case.findings, key=jaccard)
    return jaccard(best), best


def test_reactions_a_ring_is_found_whole_and_is_coordinated(
    world: ReactionWorld, case: Case
) -> None:
    (ring,) = [g for g in world.truth.groups if g.label.startswith("campaign:like")]
    share, finding = nearest(case, ring.accounts)
    assert share >= 0.9
    assert (finding.class_, finding.signals[0]) == ("coordinated", "like")
    assert "liked the same" in finding.sentence


def test_reactions_a_ring_of_followers_is_found(world: ReactionWorld, case: Case) -> None:
    (ring,) = [g for g in world.truth.groups if g.label.startswith("campaign:follow")]
    share, finding = nearest(case, ring.accounts)
    assert share >= 0.9
    assert finding.signals[0] == "follow"
    assert finding.class_ in ("coordinated", "suggestive")


def test_reactions_fans_are_amplification(world: ReactionWorld, case: Case) -> None:
    (fans,) = [g for g in world.truth.groups if g.label.startswith("look-alike:fans")]
    share, finding = nearest(case, fans.accounts)
    assert share >= 0.8
    assert finding.class_ == "amplification"


def test_reactions_nobody_else_is_coordinated(world: ReactionWorld, case: Case) -> None:
    planted = {a for g in world.truth.groups for a in g.accounts}
    for finding in case.findings:
        if finding.class_ == "coordinated":
            assert members(case, finding) <= planted


def test_reactions_ordinary_liking_is_silent() -> None:
    quiet = reactions(seed=6, accounts=900, rings=())
    found = klieg.scan(quiet.posts, acts=quiet.acts, config=SMALL).findings
    assert {f.class_ for f in found} <= {"look-alike", "abstain"}


def test_reactions_more_rings_change_nothing_that_is_there() -> None:
    alone = reactions(seed=3, accounts=300, rings=())
    more = reactions(seed=3, accounts=300, rings=DEFAULT_RINGS)
    assert alone.posts.equals(more.posts)
    rows = {tuple(r.values()) for r in more.acts.to_pylist()}
    assert {tuple(r.values()) for r in alone.acts.to_pylist()} <= rows


def test_reactions_order_and_names_change_nothing() -> None:
    small = reactions(seed=5, accounts=500, days=7)
    case = klieg.scan(small.posts, acts=small.acts, config=SMALL)
    assert case.findings
    rng = np.random.default_rng(1)
    acts = small.acts.take(pa.array(rng.permutation(small.acts.num_rows)))
    posts = small.posts.take(pa.array(rng.permutation(small.posts.num_rows)))
    moved = klieg.scan(posts, acts=acts, config=replace(SMALL, threads=1))
    assert moved.findings == case.findings
    assert moved.act_highlights == case.act_highlights

    def renamed(table: pa.Table) -> pa.Table:
        for at, name in enumerate(table.column_names):
            if name in ("account_id", "object_account"):
                new = [v and f"z{999999 - int(v[1:])}" for v in table[name].to_pylist()]
                table = table.set_column(at, table.schema.field(at), pa.array(new, pa.string()))
        return table

    # a follow names its object by the account's name, so likes alone
    likes = acts.filter(pc.equal(acts["act"], "like"))
    plain = klieg.scan(posts, acts=likes, config=SMALL)
    other = klieg.scan(renamed(posts), acts=renamed(likes), config=SMALL)
    assert plain.findings
    assert [(f.class_, f.net, len(f.members), f.acts) for f in plain.findings] == [
        (f.class_, f.net, len(f.members), f.acts) for f in other.findings
    ]


# --- the case ------------------------------------------------------------------------------------


def test_reactions_what_took_part_is_an_act_and_no_post(case: Case) -> None:
    finding = case.findings[0]
    assert finding.acts and not finding.posts
    assert case.posts.acts is not None
    ids = case.posts.account_ids.to_pylist()
    shown = {ids[a] for a in case.posts.acts.account[list(finding.acts)]}
    assert shown <= members(case, finding)
    times = case.posts.acts.time[list(finding.acts)]
    assert (finding.start, finding.end) == (times.min(), times.max())
    assert sum(m.acts for m in finding.members) == len(finding.acts)
    assert all(m.posts == 0 for m in finding.members)
    assert not case.highlights and case.act_highlights
    marked = {h.act for h in case.act_highlights if h.finding == finding.id}
    assert marked <= set(finding.acts) and len(marked) > 0.9 * len(finding.acts)
    for act in finding.joint_acts:
        assert act.acts and not act.posts


def test_reactions_case_is_kept_and_opened_whole(case: Case, tmp_path: Path) -> None:
    case.save(tmp_path / "a.klieg")
    back = klieg.open(tmp_path / "a.klieg")
    assert back.findings == case.findings
    assert back.act_highlights == case.act_highlights
    assert back.posts.acts is not None and case.posts.acts is not None
    assert back.posts.acts.table.equals(case.posts.acts.table)
    assert np.array_equal(back.posts.acts.account, case.posts.acts.account)
    for one, two in zip(case.layers, back.layers, strict=True):
        for name in ("account", "object", "time", "post", "target"):
            assert np.array_equal(getattr(one.actions, name), getattr(two.actions, name))
        assert one.actions.labels.equals(two.actions.labels)
    back.save(tmp_path / "b.klieg")
    for suffix in ("", ".parquet", ".acts.parquet"):
        files = [(tmp_path / f"{n}.klieg{suffix}").read_bytes() for n in "ab"]
        assert files[0] == files[1], suffix


def test_reactions_case_without_its_acts_or_with_others_is_refused(
    case: Case, tmp_path: Path
) -> None:
    case.save(tmp_path / "a.klieg")
    acts = tmp_path / "a.klieg.acts.parquet"
    acts.rename(tmp_path / "away")
    with pytest.raises(StoreError, match="needs its acts"):
        klieg.open(tmp_path / "a.klieg")
    pq.write_table(pq.read_table(tmp_path / "away").slice(1), acts)
    with pytest.raises(StoreError, match="not the one"):
        klieg.open(tmp_path / "a.klieg")


def test_reactions_a_case_without_acts_leaves_none_of_an_older_one(
    case: Case, tmp_path: Path
) -> None:
    case.save(tmp_path / "a.klieg")
    bare = replace(
        case,
        posts=replace(case.posts, acts=None),
        layers=(),
        findings=(),
        act_highlights=(),
    )
    bare.save(tmp_path / "a.klieg", force=True)
    assert not (tmp_path / "a.klieg.acts.parquet").exists()
    assert klieg.open(tmp_path / "a.klieg").posts.acts is None


def test_reactions_exports_show_who_did_what_to_what_when(case: Case, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    made = document(case)
    jsonschema.validate(made, schema())
    first = made["findings"][0]
    assert first["acts"][0].keys() == {"platform", "account", "act", "object", "value", "time"}
    assert {a["account"] for a in first["acts"]} <= set(first["accounts"])
    assert made["totals"]["acts"] == case.posts.n_acts
    table = case.finding_posts(case.findings[0].id)
    assert table.num_rows >= len(case.findings[0].acts)
    assert table["post_id"].null_count == table.num_rows
    assert set(table["account_id"].to_pylist()) == members(case, case.findings[0])
    acts = case.to_arrow("acts")
    assert acts.num_rows == case.posts.n_acts
    assert acts["findings"].null_count < acts.num_rows
    assert case.to_arrow("act_highlights").num_rows == len(case.act_highlights)
    export(case, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert "Acts that took part" in page and "acts without text" in page
    assert case.to_arrow("acts")["object_id"][case.findings[0].acts[0]].as_py() in page


def test_reactions_shared_form_names_nobody(case: Case, tmp_path: Path) -> None:
    for suffix in ("html", "json", "csv"):
        more = {"table": "acts"} if suffix == "csv" else {}
        export(case, tmp_path / f"a.{suffix}", share=True, key=b"k" * 32, **more)  # type: ignore[arg-type]
        told = (tmp_path / f"a.{suffix}").read_text()
        assert not re.findall(r"\b[up]\d{6}\b", told)  # ids of accounts and posts


# --- the command line and the library ------------------------------------------------------------


def test_reactions_scan_reads_posts_and_acts_from_files(
    world: ReactionWorld, case: Case, tmp_path: Path
) -> None:
    text = pa.array([f"Some words, and {i * 7919} of them" for i in range(world.posts.num_rows)])
    posts = world.posts.select(["platform", "post_id", "account_id", "time", "lang"])
    pq.write_table(posts.append_column("text", text), tmp_path / "posts.parquet")
    told = ["account_id", "act", "object_id", "time", "platform", "object_account"]
    pq.write_table(world.acts.select(told), tmp_path / "acts.parquet")
    args = ["scan", str(tmp_path / "posts.parquet"), str(tmp_path / "acts.parquet")]
    more = ["-o", str(tmp_path / "x.klieg"), "--no-report", "--shuffles", "0"]
    result = CliRunner().invoke(verbs, [*args, *more])
    assert result.exit_code == 0, result.output
    assert f"{case.posts.n_acts:,} acts" in result.output
    back = klieg.open(tmp_path / "x.klieg")
    same = [f for f in back.findings if f.id == case.findings[0].id]
    assert same and same[0].acts == case.findings[0].acts
    shown = CliRunner().invoke(verbs, ["show", str(tmp_path / "x.klieg"), back.findings[0].id])
    assert "Acts without text, in their order" in shown.output
    assert json.loads((tmp_path / "x.run.json").read_text())["counts"]["acts"] == back.posts.n_acts


def test_reactions_acts_alone_are_enough(world: ReactionWorld) -> None:
    likes = world.acts.filter(pc.equal(world.acts["act"], "like"))
    case = klieg.scan(world.posts.slice(0, 0), acts=likes, config=SMALL)
    assert case.posts.n == 0 and case.posts.n_acts == likes.num_rows - case.intake.counts.get(
        "duplicate_act", 0
    )
    (ring,) = [g for g in world.truth.groups if g.label.startswith("campaign:like")]
    share, finding = nearest(case, ring.accounts)
    # in one pool without languages, groups may hold most acts: then nothing is judged
    assert share >= 0.9 and finding.class_ in ("coordinated", "abstain")


def test_reactions_a_frame_of_other_names_is_taken(world: ReactionWorld) -> None:
    frame = world.acts.select(["account_id", "act", "object_id", "time", "platform"])
    frame = frame.rename_columns(["user", "reaction", "target", "when", "site"])
    with pytest.raises(InputError, match="no column for time"):
        klieg.scan(world.posts, acts=frame)
    frame = frame.rename_columns(["user", "reaction", "target", "timestamp", "network"])
    posts, _ = klieg.read(world.posts, acts=frame)
    assert posts.acts is not None and set(posts.acts.table["act"].to_pylist()) == {"like", "follow"}
