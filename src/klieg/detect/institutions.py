"""Look-alikes that an institution makes: it bears its name, uses its tools, links to its site.

Pure functions of a group's ``Signs``: a ``LookAlike`` with its figures, or None. A sign that
anybody can put on is never enough alone: each test asks for two at least, one of which gives the
group away. The room knows no class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from klieg.tables import LookAlike

if TYPE_CHECKING:
    from klieg.detect.signs import Signs

__all__ = ["advocacy", "app", "bears_one_name", "collective", "debunk", "own_tool", "scheduler"]
__all__ += ["service"]

NEARLY_ALL: Final = 0.8
MOST: Final = 0.6
RARE: Final = 0.02  # of everybody else's posts: a client that few others use
ANSWERED: Final = 10  # posts answered from which a desk answers whoever repeats the claim
_CHECKERS: Final = frozenset(
    {
        "afp.com",
        "aosfatos.org",
        "boomlive.in",
        "chequeado.com",
        "correctiv.org",
        "demagog.cz",
        "demagog.org.pl",
        "factcheck.org",
        "fullfact.org",
        "lupa.uol.com.br",
        "maldita.es",
        "mimikama.org",
        "newtral.es",
        "pagellapolitica.it",
        "politifact.com",
        "snopes.com",
        "stopfake.org",
        "teyit.org",
    }
)
"""Sites of desks that check claims, most of them signatories of the IFCN's code."""
_CHECKS: Final = re.compile(r"fact|fakt|check|verif|chequea|проверк|debunk|hoax|bulo|dementi")


def bears_one_name(signs: Signs) -> bool:
    """Nearly all members bear one word in their names, and hardly anybody else does."""
    return signs.name.members >= NEARLY_ALL and signs.name.others <= signs.members


def own_tool(signs: Signs, *, share: float = NEARLY_ALL) -> bool:
    """Their joint posts come from one client, which few others use."""
    tool = signs.tool
    return bool(tool.client) and tool.share >= share and tool.others <= RARE


def collective(signs: Signs) -> LookAlike | None:
    """One name on the accounts, and the same name in what they post: it is declared.

    Numbered handles alone are what a batch of accounts has too; signing is what a crew avoids.
    """
    if not bears_one_name(signs) or signs.name.said < MOST:
        return None
    return LookAlike(
        "declared collective",
        f"{signs.name.members:.0%} of the accounts bear the name “{signs.name.word}”, and "
        f"{signs.name.said:.0%} of the joint posts carry it: a collective that says so works like "
        "this.",
    )


def service(signs: Signs) -> LookAlike | None:
    """Named alike, posting by a program of their own, always to one site."""
    host, share = signs.domain
    if not bears_one_name(signs) or not own_tool(signs) or share < NEARLY_ALL:
        return None
    return LookAlike(
        "benign automation",
        f"{signs.name.members:.0%} of the accounts bear the name “{signs.name.word}”, "
        f"{signs.tool.share:.0%} of the joint posts come from {_tool(signs)} and {share:.0%} lead "
        f"to {host}: a service that passes reports on works like this.",
    )


def debunk(signs: Signs) -> LookAlike | None:
    """Replies to many, with one link to a site that says it checks claims."""
    host, share = signs.domain
    says = host in _CHECKERS or bool(_CHECKS.search(host))
    if share < NEARLY_ALL or signs.replies < NEARLY_ALL or signs.answered < ANSWERED or not says:
        return None
    return LookAlike(
        "debunk",
        f"{signs.replies:.0%} of the joint posts are replies, to {signs.answered:,} different "
        f"posts, and {share:.0%} lead to {host}, which calls itself a check: desks that answer a "
        "claim wherever it is repeated work like this. Whether it checks is not judged here.",
    )


def scheduler(signs: Signs) -> LookAlike | None:
    """One planning tool, slots on the full five minutes, everybody's own words."""
    own_words = signs.distinct >= NEARLY_ALL * signs.texts_of
    if not own_tool(signs) or signs.machine.on_mark < NEARLY_ALL or not own_words:
        return None
    return LookAlike(
        "scheduler",
        f"{signs.tool.share:.0%} of the joint posts come from {_tool(signs)}, and "
        f"{signs.machine.on_mark:.0%} of them within seconds of a full five minutes (by chance "
        "3%), each in words of its own: accounts planned in one office look like this.",
    )


def app(signs: Signs) -> LookAlike | None:
    """An app speaks in its users' names: one client, and a template or the exact hour."""
    planned = signs.machine.on_mark >= NEARLY_ALL
    if not own_tool(signs) or not (planned or signs.distinct < signs.texts_of / 2):
        return None
    when = (
        f", {signs.machine.on_mark:.0%} of them within seconds of a full five minutes"
        if planned
        else ""
    )
    return LookAlike(
        "app posts",
        f"{signs.tool.share:.0%} of the joint posts come from {_tool(signs)}{when}: an app that "
        "posts for its users looks like this.",
    )


def advocacy(signs: Signs) -> LookAlike | None:
    """One site, and a tool that hardly anybody else uses: a firm suggests, its staff passes on."""
    host, share = signs.domain
    if share < MOST or not own_tool(signs, share=MOST):
        return None
    return LookAlike(
        "employee advocacy",
        f"{share:.0%} of the joint posts lead to {host}, and {signs.tool.share:.0%} come from "
        f"{_tool(signs)}: staff whom a firm asks to share look like this.",
    )


def _tool(signs: Signs) -> str:
    return f"{signs.tool.client} (elsewhere {signs.tool.others:.1%})"
