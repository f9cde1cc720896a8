"""Texts by grammar: phrases picked by index and joined a column at a time.

Sixteen subjects, eighteen predicates, times, places and comments make some 10^9 different posts a
topic and language. The room knows no account, no clock and no campaign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import ConfigError
from klieg.sources.simulate.words import de, en, es, ru
from klieg.sources.simulate.words.invented import EMOJI

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    from klieg.tables import I32, I64

__all__ = ["INVENTED", "LANGUAGES", "SLOTS", "TOPICS", "Bank", "Vocabulary", "vocabulary"]

_MODULES: dict[str, ModuleType] = {"en": en, "de": de, "ru": ru, "es": es}
LANGUAGES = tuple(_MODULES)
INVENTED = "qaa"
"""The code of a language nobody speaks (ISO 639 leaves it to local use); no grammar."""
TOPICS = tuple(en.TOPICS)
SLOTS = ("opener", "subject", "predicate", "time", "place", "comment", "comment2", "emoji")
_ENDS = (".", ".", ".", ".", "!", "", "", "…", "?!", "")


@dataclass(frozen=True, slots=True)
class Bank:
    """Phrases of one slot, cell after cell; a cell is a language, or a language and a topic."""

    phrases: pa.Array  # (total,) string
    start: I64  # (cells,)
    size: I64  # (cells,)

    def draw(self, rng: np.random.Generator, cell: I64) -> I32:
        """(n,) a phrase of each cell, evenly."""
        index = self.start[cell] + (rng.random(len(cell)) * self.size[cell]).astype(np.int64)
        return index.astype(np.int32)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every bank for the chosen languages; ``cell = language · len(TOPICS) + topic``."""

    languages: tuple[str, ...]
    banks: dict[str, Bank]
    tags: Bank
    replies: Bank

    def cell(self, language: NDArray[np.integer], topic: NDArray[np.integer]) -> I64:
        return language.astype(np.int64) * len(TOPICS) + topic

    def lines(
        self,
        rng: np.random.Generator,
        cell: I64,
        *,
        chance: dict[str, float] | None = None,
    ) -> I32:
        """(n, slots) phrase indices, −1 where a slot is left out with one minus its chance."""
        keep = {
            "opener": 0.4,
            "time": 0.55,
            "place": 0.6,
            "comment": 0.87,
            "comment2": 0.22,
            "emoji": 0.18,
        } | (chance or {})
        out = np.full((len(cell), len(SLOTS)), -1, np.int32)
        for i, slot in enumerate(SLOTS):
            drawn = self.banks[slot].draw(rng, cell)
            out[:, i] = np.where(rng.random(len(cell)) < keep.get(slot, 1.0), drawn, -1)
        return out

    def render(self, lines: I32, end: NDArray[np.integer]) -> pa.Array:
        """(n,) texts; ``end`` picks the punctuation of the main sentence."""
        part = {s: self._take(s, lines[:, i]) for i, s in enumerate(SLOTS)}
        body = pc.binary_join_element_wise(
            part["subject"],
            part["predicate"],
            part["time"],
            part["place"],
            " ",
            null_handling="skip",
        )
        stop = pa.array(_ENDS).take(pa.array(end % len(_ENDS)))
        body = pc.binary_join_element_wise(body, stop, "")
        return pc.binary_join_element_wise(
            part["opener"],
            body,
            part["comment"],
            part["comment2"],
            part["emoji"],
            " ",
            null_handling="skip",
        )

    def answer(self, rng: np.random.Generator, cell: I64) -> pa.Array:
        """(n,) short replies, some with a comment after them."""
        language = cell // len(TOPICS)
        reply = self.replies.phrases.take(pa.array(self.replies.draw(rng, language)))
        comment = self.banks["comment"].draw(rng, cell)
        comment = np.where(rng.random(len(cell)) < 0.65, comment, -1).astype(np.int32)
        emoji = self.banks["emoji"].draw(rng, cell)
        emoji = np.where(rng.random(len(cell)) < 0.2, emoji, -1).astype(np.int32)
        return pc.binary_join_element_wise(
            reply,
            self._take("comment", comment),
            self._take("emoji", emoji),
            " ",
            null_handling="skip",
        )

    def _take(self, slot: str, index: I32) -> pa.Array:
        return self.banks[slot].phrases.take(pa.array(index, mask=index < 0))


def vocabulary(languages: tuple[str, ...]) -> Vocabulary:
    """The banks of these languages; ConfigError for one that has no grammar."""
    for language in languages:
        if language not in _MODULES:
            raise ConfigError("languages", language, ", ".join(LANGUAGES))
    if not languages:
        raise ConfigError("languages", languages, "at least one of " + ", ".join(LANGUAGES))
    modules = [_MODULES[x] for x in languages]
    split = [[t.split(";;") for t in m.TOPICS.values()] for m in modules]
    per_cell = {
        "opener": [_phrases(m.OPENERS) for m in modules for _ in TOPICS],
        "subject": [[_capital(p) for p in _phrases(t[0])] for m in split for t in m],
        "predicate": [_phrases(t[1]) for m in split for t in m],
        "time": [_phrases(m.TIMES) for m in modules for _ in TOPICS],
        "place": [_phrases(m.PLACES) for m in modules for _ in TOPICS],
        "comment": [_phrases(m.COMMENTS) for m in modules for _ in TOPICS],
        "comment2": [_phrases(m.COMMENTS)[::-1] for m in modules for _ in TOPICS],
        "emoji": [list(EMOJI) for _ in modules for _ in TOPICS],
    }
    banks = {slot: _bank(cells) for slot, cells in per_cell.items()}
    tags = _bank([t[2].split() for m in split for t in m])
    return Vocabulary(languages, banks, tags, _bank([_phrases(m.REPLIES) for m in modules]))


def _phrases(block: str) -> list[str]:
    return [p.strip() for p in block.replace("\n", "|").split("|") if p.strip()]


def _capital(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]


def _bank(cells: list[list[str]]) -> Bank:
    size = np.array([len(c) for c in cells], np.int64)
    return Bank(pa.array([p for c in cells for p in c]), np.cumsum(size) - size, size)
