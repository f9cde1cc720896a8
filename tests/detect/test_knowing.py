"""Signs read from simulated posts, end to end: institutions are typed, who imitates them is not."""

from __future__ import annotations

import pytest

from klieg import pipeline
from klieg.config import Config
from klieg.sources.simulate import Batch, Campaign, Evasion, simulate
from klieg.tables import Finding

CREW = Campaign(
    "repost", size=16, acts=10, evasion=Evasion(batch=Batch(handles="stem", client="Scheduler"))
)


@pytest.fixture(scope="module")
def found() -> dict[str, list[Finding]]:
    """Findings by the planted group that most of their accounts belong to."""
    world = simulate(
        seed=5,
        accounts=1500,
        days=10,
        worlds=("declared-collective", "office", "archive-import"),
        campaigns=(CREW,),
    )
    config = Config(shuffles=0, signals=("copies", "link", "repost"))
    case = pipeline.scan(world.posts, config=config)
    names = case.posts.account_ids.to_pylist()
    out: dict[str, list[Finding]] = {}
    for finding in case.findings:
        labels = [world.truth.accounts.get(names[m.account], "") for m in finding.members]
        out.setdefault(max(sorted(set(labels)), key=labels.count), []).append(finding)
    return out


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("look-alike:declared-collective-1", "declared collective"),
        ("look-alike:office-scheduler-1", "scheduler"),
        ("look-alike:archive-import-1", "import"),
    ],
)
def test_knowing_types_an_institution(
    found: dict[str, list[Finding]], planted: str, kind: str
) -> None:
    kinds = [f.look_alike.kind for f in found[planted] if f.look_alike]
    assert kinds == [kind] * len(found[planted])
    assert all(f.posts and f.joint_acts for f in found[planted])  # named, not hidden


def test_knowing_a_crew_with_one_stem_and_one_tool_is_none(
    found: dict[str, list[Finding]],
) -> None:
    assert "coordinated" in [f.class_ for f in found["campaign:repost-1"]]
    assert not [f for f in found["campaign:repost-1"] if f.look_alike]
