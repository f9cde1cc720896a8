"""Look-alikes that an occasion makes: petitions, appeals, goals, giveaways.

Pure functions of a group's clock and ``Signs``. What decides is how outsiders behaved on the very
same things; words only choose the name. The room knows no class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from klieg.detect import lookalikes
from klieg.detect.lookalikes import AT_LEAST
from klieg.tables import LookAlike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klieg.detect.signs import Signs
    from klieg.tables import Breadth, Clock

__all__ = ["giveaway", "template_or_petition", "with_everybody"]

OFTEN: Final = 0.5
TWICE_AS: Final = 2.0  # a ratio from which too few texts to bound it leave the question open
PRIVATE: Final = 0.5  # share of acts with no company from which company says nothing
_PETITION: Final = re.compile(
    r"(^|\.)(change\.org|avaaz\.org|campact\.de|weact\.|roi\.ru|38degrees\.org)|petitio|petici|петици"
)
_HELP: Final = re.compile(
    r"\b(sos|mayday|rescue|trapped|evacuat\w*|notruf|hilfe|gerettet|vermisst|eingeschlossen"
    r"|помогите|спасите|эвакуац\w*|auxilio|socorro|rescate|atrapad\w+|secours|soccorso|imdat|enkaz"
    r"|yardım)\b"
)
_PRIZE: Final = re.compile(
    r"\b(giveaway|give away|winners?|win|prize|raffle|sweepstake\w*|gewinnspiel|verlos\w+"
    r"|gewinne\w*|verschenken|sorteo|sorteamos|gana|premios?|regalamos|розыгрыш\w*|разыгр\w+|выигра\w+"
    r"|приз\w*|конкурс\w*|concours|gagne\w*|çekiliş)\b"
)


def template_or_petition(clock: Clock, signs: Signs) -> LookAlike | None:
    """The same words at independent times; with a petition's page, a petition."""
    found = lookalikes.template(clock)
    host, share = signs.domain
    if found is None or share < OFTEN or not _PETITION.search(host):
        return found
    return LookAlike(
        "petition",
        f"{share:.0%} of the joint posts lead to {host}, at times that are {clock.pace[0]:.1f} "
        "times as close as any two accounts' on one thing: people who sign a petition look like "
        "this.",
    )


def with_everybody(clock: Clock, breadth: Breadth, signs: Signs) -> LookAlike | None:
    """Outsiders posted the same, as simultaneously: the occasion set the words and clock."""
    ratio, bound, _ = clock.event
    there = clock.event_outsiders[0] > 0 and breadth.private_share < PRIVATE
    if not there or bound >= AT_LEAST or ratio >= TWICE_AS:
        return None
    asks = _share(_HELP, tuple(zip(signs.texts, signs.weight, strict=True)))
    seen = (
        f"Others posted the same, and the members are {ratio:.1f} times as simultaneous as "
        "they were"
    )
    if asks >= OFTEN:
        return LookAlike(
            "appeal",
            f"{seen}; {asks:.0%} of the joint posts call for help: appeals that people copy and "
            "pass on look like this.",
        )
    return LookAlike(
        "shared event", f"{seen}: something that all of them watched gave words and moment."
    )


def giveaway(signs: Signs) -> LookAlike | None:
    """Whoever reposts answers the same post too, and what they repost promises a prize."""
    promised = _share(_PRIZE, signs.sources)
    if signs.twice < OFTEN or promised < OFTEN:
        return None
    return LookAlike(
        "giveaway",
        f"{signs.twice:.0%} of the reposts come with an answer to the same post, and "
        f"{promised:.0%} of the reposts pass on the promise of a prize: people who enter "
        "giveaways look like this.",
    )


def _share(words: re.Pattern[str], texts: Sequence[tuple[str, int]]) -> float:
    hit = sum(n for t, n in texts if words.search(t.casefold()))
    return hit / max(sum(n for _, n in texts), 1)
