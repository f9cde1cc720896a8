"""One message said many ways: the grammar of sayings, and the door for other rewriters.

The grammar gives eleven phrasings of a message that share no word, and many of which any two share
one phrase in four at most. A language model fits the same door. The room knows no account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

from klieg.sources.simulate.words.sayings import SAYINGS

if TYPE_CHECKING:
    import numpy as np

__all__ = ["PHRASINGS", "Message", "Rewriter", "grammar", "messages"]

PHRASINGS = 11
"""Of each concept; a prime, so that two different lines meet in one point at most."""

_SLOTS = ("who", "what", "why", "then")


@dataclass(frozen=True, slots=True)
class Message:
    """What a campaign wants said: four concepts, and one wording of them."""

    number: int  # of the campaign's messages
    concepts: tuple[int, int, int, int]
    language: str
    text: str


class Rewriter(Protocol):
    """Says a message in ``copies`` ways; a model-based one must be deterministic in its inputs."""

    def __call__(self, message: Message, copies: int, language: str) -> Sequence[str]: ...


def messages(rng: np.random.Generator, n: int, language: str) -> list[Message]:
    """``n`` messages in a language of the grammar, different ones as long as there are (36)."""
    size = [len(SAYINGS[language][s]) for s in _SLOTS]
    every = [
        (a, b, c, d)
        for a in range(size[0])
        for b in range(size[1])
        for c in range(size[2])
        for d in range(size[3])
    ]
    order = rng.permutation(len(every))
    return [_message(i, every[int(order[i % len(order)])], language) for i in range(n)]


def grammar(message: Message, copies: int, language: str) -> list[str]:
    """The message in ``language``, ``copies`` ways.

    Eleven in a row share no word of four letters or more. Any other two, of one message or of two,
    share at most one phrase of four; two once a campaign needs more than 121 texts.
    """
    blocks = ceil(copies / PHRASINGS)
    return [
        _said(
            message.concepts,
            language,
            _phrasing(j % PHRASINGS, message.number * blocks + j // PHRASINGS),
            order=(j // 2) % 3,
        )
        for j in range(copies)
    ]


def _phrasing(row: int, block: int) -> list[int]:
    """Which phrasing each slot takes: lines in a finite plane, which meet in one point at most."""
    slope, curve = block % PHRASINGS, block // PHRASINGS % PHRASINGS
    return [(row + slope * s + curve * s * s) % PHRASINGS for s in range(len(_SLOTS))]


def _message(number: int, concepts: tuple[int, int, int, int], language: str) -> Message:
    text = _said(concepts, language, _phrasing(0, number), order=0)
    return Message(number, concepts, language, text)


def _said(
    concepts: tuple[int, int, int, int], language: str, chosen: list[int], *, order: int
) -> str:
    bank = SAYINGS[language]
    who, what, why, then = (bank[s][c][v] for s, c, v in zip(_SLOTS, concepts, chosen, strict=True))
    join = ": " if language == "ru" else " "
    core = f"{_capital(who)}{join}{what}"
    return (
        f"{core}, {why}. {then}",
        f"{then} {_capital(why)}: {who}{join}{what}.",
        f"{_capital(why)}: {who}{join}{what}. {then}",
    )[order]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
