"""What each finding survives: comparable accounts, delays dealt anew, and one change at a time.

Asked once all findings are known, since controls are drawn outside every one of them. It adds to a
finding what was seen and never changes its class, its band or its evidence. Without a finding
nothing is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from klieg.detect import controls, pace, posteriors, reading, stability, surrogate
from klieg.detect.parallel import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.detect.reading import Run
    from klieg.sockets import Progress
    from klieg.tables import Controls, Finding, Group

__all__ = ["Told", "tested"]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding and what it was made from."""

    finding: Finding
    group: Group
    margin: float  # the smallest bound that made it coordinated; 0 if it is not


def tested(
    run: Run, told: Sequence[Told], groups: Sequence[Group], progress: Progress
) -> tuple[Finding, ...]:
    """The findings, each with its controls, re-tests, dealt class and posterior.

    ``groups`` are all that stand: none of their accounts is a control.
    """
    if not told:
        return ()
    progress("findings: what they survive", 0, len(told))
    field = controls.opened(run, [*groups, *(t.group for t in told)])
    squares = stability.of_groups(run, [(t.group, t.margin) for t in told], field.key)
    anew = surrogate.layers(
        run.network.layers, run.clock, field.key, seed=run.config.seed, free=field.free
    )
    dealt = replace(run, clock=pace.prepare(anew, run.posts, run.config))

    def ask(turn: int) -> Finding:
        one = told[turn]
        wanted = run.config.controls > 0
        beside = controls.of_group(run, field, one.group, one.finding) if wanted else None
        class_ = _class_of(dealt, one)
        finding = replace(
            one.finding,
            controls=beside,
            retests=squares[turn],
            dealt=class_,
        )
        finding = posteriors.added(finding)
        return replace(finding, survived=_sentences(finding, beside))

    found = []
    turns = range(len(told))
    asked = spread(ask, turns, run.config, size=lambda i: float(len(told[i].group.members)))
    for i, finding in enumerate(asked):
        progress("findings: what they survive", i, len(told))
        found.append(finding)
    return tuple(found)


def _class_of(dealt: Run, one: Told) -> str:
    """The class by dealt delays, all but the clock as it was; "" where it could not be judged.

    What could only take the word away again (a core, a look-alike of posts) is left out: never
    fewer than a whole new search would call coordinated among these groups.
    """
    if one.finding.class_ == "abstain" or not dealt.clock.windows:
        return ""
    parts = reading.parts_of(dealt, one.group)
    acts = dealt.config.min_actions
    read = reading.read(dealt, one.group, parts, one.finding.windows, acts)
    return read.verdict.class_ if read else ""


def _sentences(finding: Finding, beside: Controls | None) -> tuple[str, ...]:
    out = [_controls(beside)] if beside else []
    if finding.class_ == "coordinated" and finding.dealt == "coordinated":
        out.append(
            "With delays dealt anew among comparable acts, who acted on what kept, it would still "
            "be called coordinated: its clock is weak evidence."
        )
    elif finding.class_ == "coordinated":
        out.append(
            "With delays dealt anew among comparable acts, who acted on what kept, it would be "
            f"called {finding.dealt}: its class hangs on when its accounts acted."
        )
    if finding.posterior:
        out.append(posteriors.sentence(finding.posterior))
        if finding.class_ != "coordinated" and finding.posterior.probability >= 0.5:
            out[-1] += " The class is another question: a benign explanation is not excluded."
    return tuple(out)


def _controls(beside: Controls) -> str:
    if not beside.nets:
        return "Too few accounts outside the findings are comparable: no controls were drawn."
    alike = (
        f"alike in {_listed(beside.matched)}"
        if beside.matched
        else "the nearest there are, though not alike in activity, speed, time zone or pool"
    )
    clock = ""
    if beside.events and beside.event > 0:
        clock = f", and at most {beside.events[-1]:.1f} times the usual simultaneity"
        clock += f" against {beside.event:.1f} here (lower bounds)"
    return (
        f"{len(beside.nets):,} sets of as many accounts outside every finding, {alike}: "
        f"the highest net is {_signed(beside.nets[-1])} nats, this group's {_signed(beside.net)}; "
        f"joint acts {beside.joints[-1]:,} at most against {beside.joint:,}{clock}."
    )


def _signed(x: float) -> str:
    return f"{x:+,.0f}".replace("-", "−")


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
