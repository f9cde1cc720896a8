"""The suite end to end on tiny worlds; its table on hand-made records."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from klieg.cli import verbs
from klieg.cli.evaluate import SECTIONS as OFFERED
from klieg.errors import InputError
from klieg.evaluation import plan as plans
from klieg.evaluation.charts import evasions as curves
from klieg.evaluation.charts import smallest as drawn
from klieg.evaluation.intervals import mean, ratio, share
from klieg.evaluation.measures import Measure, measures
from klieg.evaluation.page import write
from klieg.evaluation.plan import SECTIONS, Trial, labels, plan
from klieg.evaluation.planted import planted
from klieg.evaluation.suite import TRIALS, Stamp, run_suite
from klieg.evaluation.tables import (
    evasions,
    look_alikes,
    power,
    quantiles,
    smallest,
    tail_ratios,
)
from klieg.sources.simulate import Campaign, LookAlike

STAMP = Stamp("0", "abc", "def")
TINY = (
    Trial(
        *("groups", 70_001, "attention", 500, 7),
        campaigns=(("crew", Campaign("repost", size=15, acts=10, jitter_s=60)),),
        shuffles=1,
        baselines=True,
    ),
    Trial(
        *("look-alikes", 70_001, "attention", 250, 4),
        look_alikes=(("one-brand", LookAlike("one brand", 6, 12)),),
    ),
    Trial("quiet", 70_001, "feeds", 250, 4, shuffles=1),
    Trial("shuffled", 70_001, "attention", 100, 3, reshuffled=2),
    Trial("collections", 70_001, "attention", 250, 4, name="quiet", collect="sample-10"),
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("suite")
    return folder, run_suite(TINY, folder, threads=1)


def test_suite_records_every_trial_in_order(done: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, records = done
    assert [r["key"] for r in records] == [t.key for t in TINY]
    assert len((folder / TRIALS).read_text("utf-8").splitlines()) == len(TINY)
    (crew,) = records[0]["campaigns"]
    assert (crew["name"], crew["accounts"], crew["cost"]) == ("crew", 15, 0.0)
    assert crew["found"] and crew["standing"] >= crew["recall"] >= 0.8
    assert records[0]["edges"]["campaign"] > 0
    assert {w["method"] for w in records[0]["baselines"]} >= {"volume", "NPMI"}
    assert len(records[3]["standing"]) == 2
    assert records[4]["posts"] < records[0]["posts"] / 5


def test_suite_goes_on_where_it_stopped(
    done: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, records = done
    kept = (folder / TRIALS).read_text("utf-8").splitlines(keepends=True)
    # stopped in the third line
    (tmp_path / TRIALS).write_text("".join(kept[:2]) + kept[2][:40], "utf-8")
    ran: list[str] = []

    def run(trial: Trial, *, threads: int) -> dict[str, Any]:
        ran.append(trial.key)
        return next(r for r in records if r["key"] == trial.key)

    assert run_suite(TINY, tmp_path, run=run) == records
    assert ran == [t.key for t in TINY[2:]]
    assert run_suite(TINY, tmp_path, run=run) == records and len(ran) == 3
    assert (tmp_path / TRIALS).read_text("utf-8") == "".join(kept)


def test_suite_keeps_what_was_finished_at_an_interrupt(tmp_path: Path) -> None:
    def run(trial: Trial, *, threads: int) -> dict[str, Any]:
        if trial.section == "quiet":
            raise KeyboardInterrupt
        return {"key": trial.key}

    with pytest.raises(KeyboardInterrupt):
        run_suite(TINY, tmp_path, run=run)
    lines = (tmp_path / TRIALS).read_text("utf-8").splitlines()
    assert [json.loads(x)["key"] for x in lines] == [t.key for t in TINY[:2]]


def test_suite_runs_again_what_other_code_measured(tmp_path: Path) -> None:
    old = {"key": TINY[0].key, "code": "another", "old": True}
    (tmp_path / TRIALS).write_text(json.dumps(old) + "\n", "utf-8")
    (record,) = run_suite(TINY[:1], tmp_path, run=lambda t, *, threads: {"key": t.key})
    assert "old" not in record
    (tmp_path / TRIALS).write_text("not json\n", "utf-8")
    with pytest.raises(InputError, match="not a trial"):
        run_suite(TINY[:1], tmp_path)


def test_suite_writes_a_page_tables_and_markdown(
    done: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    page = write(done[1], tmp_path, STAMP).read_text("utf-8")
    assert "pair tail ratio, organic" in page and "<svg" in page and "<script" not in page
    assert ">nan<" not in page and "nan" not in (tmp_path / "tails.csv").read_text("utf-8")
    text = (tmp_path / "suite.md").read_text("utf-8")
    assert "| crew: stand | 100.0 % |" in text and "commit `abc`" in text and "70001" in text
    rows = (tmp_path / "look_alikes.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("look_alike,worlds") and rows[1].startswith("one-brand,1")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write(done[1], tmp_path, STAMP)
    assert before == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


def test_suite_command_prints_the_table(
    done: tuple[Path, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "plan", lambda **_: list(TINY))
    runner = CliRunner()
    told = runner.invoke(verbs, ["evaluate", "--suite", "-o", str(done[0]), "--json"])
    assert told.exit_code == 0, told.output
    rows = json.loads(told.stdout)["measures"]
    assert any(r["measure"] == "crew: stand" and r["met"] == "yes" for r in rows)
    shown = runner.invoke(verbs, ["evaluate", "--suite", "-o", str(done[0])])
    assert "crew: stand" in shown.stdout and (done[0] / "suite.html").exists()
    for wrong in ([], ["--full"], ["a", "b", "--suite"], ["only-a-case"]):
        assert runner.invoke(verbs, ["evaluate", *wrong]).exit_code == 2


def test_plan_is_a_plan() -> None:
    usual, full = plan(), plan(full=True)
    assert tuple(OFFERED) == SECTIONS
    for trials in (usual, full):
        assert len({t.key for t in trials}) == len(trials)
        assert {t.section for t in trials} == set(SECTIONS) - {"large"}
    groups = [t for t in usual if t.section == "groups"]
    assert len({t.seed for t in groups}) == 10
    assert {t.generator for t in groups} == {"attention", "feeds"}
    assert sum(t.reshuffled for t in usual) >= 300
    assert sum(len(t.look_alikes) for t in usual) >= 200
    assert {t.section for t in plan(seeds=1, sections=("quiet",))} == {"quiet"}
    assert max(t.accounts for t in full) == 300_000
    assert max(t.accounts for t in usual) == 30_000
    large = plan(sections=("large",))
    assert {(t.accounts, t.days) for t in large} == {(8_000, 30)} and len(large) == 40
    names = {n for t in large for n, _ in (*t.campaigns, *t.look_alikes)}
    assert {"wide-crew", "crew-3h", "private-links-crew", "fans", "alert-niche"} <= names


def test_plan_calls_groups_as_the_truth_does() -> None:
    trial = Trial(
        *("power", 1, "attention", 100, 3),
        campaigns=(("a", Campaign("repost")), ("b", Campaign("link")), ("c", Campaign("repost"))),
        look_alikes=(("d", LookAlike("one brand", 6)),),
    )
    assert labels(trial) == {
        "campaign:repost-1": "a",
        "campaign:link-1": "b",
        "campaign:repost-2": "c",
        "look-alike:one-brand-1": "d",
    }


def test_intervals_are_exact_where_they_can_be() -> None:
    none, all_, some = share(0, 300), share(20, 20), share(8, 10)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 300))
    assert all_.low == pytest.approx(0.025 ** (1 / 20)) and all_.high == 1.0
    assert (some.low, some.high) == (
        pytest.approx(0.4439, abs=1e-4),
        pytest.approx(0.9748, abs=1e-4),
    )
    assert share(0, 0).n == 0
    spread = mean([0.0, 1.0] * 20)
    assert spread.low < spread.value == 0.5 < spread.high
    assert mean([1.0, 2.0]).low != mean([1.0, 2.0]).low  # too few to draw from: NaN
    # worlds that are larger count for more
    assert ratio([1.0, 0.0], [1.0, 9.0]).value == pytest.approx(0.1)


def layer(count: int, m: int = 10_000_000, validated: int = 0, shuffled: int = 0) -> dict[str, Any]:
    tail = [count / (m * a) for a in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)]
    bins = [0] * 30
    bins[14] = count
    return {
        "signal": "repost",
        "pairs": m,
        "validated": validated,
        "shuffled": [shuffled],
        "tail": tail,
        "tail_shuffled": [0.0] * 5,
        "bins": bins,
        "bins_shuffled": [0] * 30,
    }


def told(records: list[dict[str, Any]], name: str) -> Measure:
    return next(m for m in measures(records) if m.measure == name)


def scores(**more: int) -> dict[str, Any]:
    zero = dict.fromkeys(("ordinary_flagged", "framed", "framed_flagged", "framed_strong"), 0)
    return {**zero, "accounts": 100, "findings": {}, **more}


def quiet(count: int, accounts: int = 3000) -> dict[str, Any]:
    return {
        "section": "quiet",
        "accounts": accounts,
        "collect": "",
        "layers": [layer(count)],
        "scores": scores(),
        "standing_ordinary": 5,
    }


def test_measures_hold_tails_against_their_aim() -> None:
    fine, bad = [quiet(1)] * 6, [quiet(1)] * 5 + [quiet(20)]
    name = "pair tail ratio, organic, α = 1e-07"
    assert told(fine, name).met == "yes" and told(fine, name).estimate.value == pytest.approx(1)
    assert told(bad, name).met == "no" and "repost" in told(bad, name).note
    assert told(fine, "ordinary accounts in any standing finding, quiet worlds").figure == "5.0 %"
    assert told([], name).met == "not measured"
    both = fine + [quiet(20, 30_000)] * 6
    assert told(both, name + ", 3,000 accounts").met == "yes"
    assert told(both, name + ", 30,000 accounts").met == "no"
    assert {r["accounts"] for r in tail_ratios(both)} == {3000, 30_000}
    (point,) = [q for q in quantiles(fine) if q["observed"] == 7.0]
    assert point["expected"] == pytest.approx(7.0) and point["pairs"] == 6


def test_measures_of_innocents_count_every_one() -> None:
    framing = {
        "section": "framing",
        "collect": "",
        "scores": scores(framed=8, framed_flagged=2, framed_strong=1, ordinary_flagged=2),
    }
    name = "framing: imitated accounts coordinated at strong"
    assert told([framing], name).met == "no" and told([framing], name).figure == "12.5 %"
    assert told([framing], "ordinary accounts in coordinated findings").met == "yes"


def campaign(name: str, **more: Any) -> dict[str, Any]:
    row = {"name": name, "accounts": 20, "found": True, "coordinated": True, "purity": 1.0}
    return {**row, "recall": 1.0, "standing": 1.0, "named": 1.0, "cost": 0.0, **more}


def test_measures_count_what_is_missed_as_nothing_recovered() -> None:
    rows = [campaign("crew") for _ in range(3)]
    rows.append(campaign("crew", found=False, coordinated=False, recall=0.4))
    record = {"section": "groups", "campaigns": rows, "layers": [], "edges": {}}
    record["edges"] = {"validated": 100, "campaign": 99}
    assert told([record], "crew: stand").figure == "75.0 %"
    assert told([record], "crew: members recovered, all of them").figure == "75.0 %"
    assert told([record], "crew: purity of those that stand").met == "yes"
    false = told([record], "observed / nominal FDR of validated edges, worlds with crews")
    assert false.estimate.value == pytest.approx(1.0) and false.met == "yes"


def test_measures_of_look_alikes_leave_out_what_may_be_coordinated() -> None:
    def alike(label: str, verdict: str, *bands: str) -> dict[str, Any]:
        about = {"label": f"look-alike:{label}-1", "name": label, "typed_as": "x"}
        return {**about, "verdict": verdict, "bands": list(bands)}

    rows = [alike("fans", "typed"), alike("petition", "silent"), alike("group-chat", "admitted")]
    record = {"section": "look-alikes", "look_alikes": rows}
    assert told([record], "look-alikes that became groups: typed").figure == "100.0 %"
    rows.append(alike("office-scheduler", "called coordinated", "strong"))
    assert told([record], "look-alikes coordinated at strong").met == "no"
    assert told([record], "look-alikes that became groups: typed").figure == "50.0 %"
    assert told([record], "look-alikes coordinated, any band").estimate.n == 3
    table = {r["look_alike"]: r for r in look_alikes([record])}
    assert table["office-scheduler"]["coordinated"] == 1 and table["petition"]["stood"] == 0


def test_planted_groups_stand_beside_the_prototype_by_size_of_world() -> None:
    many = [campaign("crew-3h"), campaign("crew-3h", found=False), campaign("crew-3h")]
    many[0]["coordinated"] = many[1]["coordinated"] = False
    small = {"section": "groups", "accounts": 3000, "days": 14, "campaigns": many}
    alike = {
        "name": "fast-niche",
        "verdict": "typed",
        "label": "look-alike:fast-niche-1",
        "typed_as": "shared interest",
        "bands": [],
    }
    large = {"section": "large", "accounts": 8000, "days": 30, "campaigns": many[:1]}
    rows = planted([small | {"look_alikes": []}, large | {"look_alikes": [alike]}])
    told = [(r["kind"], r["accounts"], r["groups"], r["stand"], r["coordinated"]) for r in rows]
    assert told == [
        ("crew-3h", 3000, 3, 0.6667, 0.3333),
        ("crew-3h", 8000, 1, 1.0, 0.0),
        ("fast-niche", 8000, 1, 1.0, 0.0),
    ]
    assert rows[0]["prototype_coordinated"] == "3/7" and rows[0]["aim_coordinated"] == "≥ 60 %"
    assert rows[0]["recall"] == pytest.approx(2 / 3 * many[0]["recall"], abs=1e-3)
    assert rows[2]["typed"] == 1.0 and rows[2]["aim_coordinated"] == "0"


def test_tables_the_smallest_campaign_is_where_power_stays() -> None:
    found = {3: False, 5: True, 10: False, 20: True}
    rows = [campaign(f"20 × {n} at 600 s", found=f) for n, f in found.items()]
    record = {"section": "power", "campaigns": rows}
    assert [c["acts"] for c in power([record])] == [3, 5, 10, 20]
    (row,) = [r for r in smallest([record]) if r["to_be"] == "found"]
    assert row["fewest_acts"] == 20  # at 5 it was found, but not at 10


def test_charts_show_the_smallest_campaign_or_nothing() -> None:
    row = {"to_be": "found", "jitter_s": 60.0, "size": 10, "fewest_acts": 5, "worlds": 2}
    none = row | {"size": 20, "fewest_acts": ""}  # the tables write nothing as an empty cell
    picture = drawn([row, none, row | {"to_be": "coordinated"}], ("seal",))
    assert "within 1 min" in picture and "nan" not in picture and "fewest joint acts" in picture


def test_charts_name_every_evasion_once_where_no_other_label_stands() -> None:
    where = [(0.0, 1.0)] * 5 + [(0.0, 0.97), (0.03, 1.0), (0.04, 0.98), (0.9, 1.0), (0.92, 0.0)]
    rows = [
        {"evasion": f"e{i}", "cost": c, "members_standing": s, "members_coordinated": 0.0}
        for i, (c, s) in enumerate(where)
    ]
    picture = str(curves(rows, ("seal",)))
    labels = re.findall(r'<text x="([\d.]+)" y="([-\d.]+)"[^>]*>([\d, ]+)</text>', picture)
    places = [(x, y) for x, y, _ in labels]
    assert len(set(places)) == len(places)
    assert any(words == "1, 2, 3, 4, 5" for *_, words in labels)
    numbers = {str(i + 1) for i in range(len(rows))}
    assert numbers <= {n for *_, words in labels for n in words.split(", ")}


def test_tables_evasions_come_cheapest_first() -> None:
    rows = [campaign("dear", cost=0.9, standing=0.2), campaign("free"), campaign("dear", cost=0.7)]
    table = evasions([{"section": "evasion", "campaigns": rows}])
    assert [(r["evasion"], r["cost"]) for r in table] == [("free", 0.0), ("dear", 0.8)]
    assert table[1]["members_standing"] == pytest.approx(0.6)
