"""A case searched again with its delays dealt anew."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from klieg import pipeline
from klieg.cli import verbs
from klieg.config import Config
from klieg.evaluation.dealt import searched_again
from klieg.sources.simulate import Campaign, simulate


def test_dealt_a_crew_is_no_longer_coordinated_whatever_the_seed(tmp_path: Path) -> None:
    world = simulate(
        seed=50_903, accounts=1500, days=10, campaigns=[Campaign("repost", 16)], look_alikes=[]
    )
    config = Config(shuffles=0, controls=0, threads=1, signals=("repost", "link"))
    case = pipeline.scan(world.posts, config=config)
    rows = searched_again(case, (0, 1), threads=1)
    assert [row["delays"] for row in rows] == ["as posted", "deal 0", "deal 1"]
    assert [row["coordinated"] for row in rows] == [1, 0, 0]
    # who acted on what is kept: the group still stands, its class does not
    assert all(sum(int(str(n)) for n in list(row.values())[1:]) >= 1 for row in rows)
    case.save(tmp_path / "a.klieg")
    ran = CliRunner().invoke(verbs, ["evaluate", str(tmp_path / "a.klieg"), "--dealt", "1"])
    assert ran.exit_code == 0, ran.output
    assert "as posted" in ran.output
    assert "0 of 1" in ran.output
