"""Texts as templates with slots: what a text says in common words, not where to find it.

A word stays if at least five accounts used it, and never more than three stand in a row; handles,
numbers, addresses and bare hosts never stay, links keep their domain. The room knows texts and how
many accounts used a word; it knows no id and no pseudonym.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache

__all__ = [
    "COMMON",
    "OUTSIDE",
    "SLOT",
    "defanged",
    "host_of",
    "template",
    "without_links",
    "words_in_use",
]

COMMON = 5
"""Accounts that must have used a word before it may be shown."""
IN_A_ROW = 3
"""Words that may stand side by side: a longer run can be searched for."""
SLOT = "{…}"

_REST = r"[^\s<>\"“”»]*[^\s<>\"“”».,;:!?…)\]}']"
_LINK = rf"\w{{2,12}}://{_REST}|www\.{_REST}"
_HANDLE = r"[@＠][\w.\-]*\w"
# one scan a word: whatever holds together is one piece, and mail addresses and hosts are no words
_PIECE = re.compile(
    rf"(?P<link>{_LINK})|(?P<handle>{_HANDLE})|(?P<word>[#＃]?\w+(?:[.@+'’\-]+\w+)*)",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"[\d.@]")
_ADDRESS = r"(?<![\w.+\-])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
OUTSIDE = f"(?P<link>{_LINK})|(?P<address>{_ADDRESS})|(?P<handle>{_HANDLE})"
"""A pattern of what leads out of a sentence: links, mail addresses, handles (ignore case)."""
_OUTSIDE = re.compile(OUTSIDE, re.IGNORECASE)
_SLOTS = re.compile(rf"{re.escape(SLOT)}(?:(?:[^\w{{]|_)*{re.escape(SLOT)})+")


def words_in_use(texts: Iterable[tuple[str, Collection[int]]], names: Collection[str]) -> set[str]:
    """Words (case folded) that at least COMMON accounts used; pairs are (text, its accounts).

    ``names`` (handles and ids, case folded) are no words, however often they stand there.
    """
    users: dict[str, set[int]] = {}
    common: set[str] = set()
    settled: set[str] = set()  # spellings of common words: most words of most texts
    for text, accounts in texts:
        for found in _PIECE.finditer(text):
            piece = found.group()
            if piece in settled or found.lastgroup != "word" or _NO_WORD.search(piece):
                continue
            word = _folded(piece)
            known = users.setdefault(word, set())
            if len(known) < COMMON:
                known.update(accounts)
            if len(known) >= COMMON:
                common.add(word)
                settled.add(piece)
    return common - set(names)


def template(text: str, common: Collection[str]) -> str:
    """The text with everything but its common words in slots."""
    shown: list[str] = []
    end = row = 0
    for found in _PIECE.finditer(text):
        piece, kind = found.group(), found.lastgroup
        shown.append(text[end : found.start()])
        end = found.end()
        if kind == "word" and row < IN_A_ROW and _folded(piece) in common:
            row += 1
            shown.append(piece)
        else:
            row = 0
            shown.append(defanged(piece) if kind == "link" else SLOT)
    return _SLOTS.sub(SLOT, "".join(shown) + text[end:])


def without_links(text: str) -> str:
    """A sentence of ours with links reduced to their domain, handles and addresses in slots."""

    def shown(found: re.Match[str]) -> str:
        return defanged(found.group()) if found.lastgroup == "link" else SLOT

    return _OUTSIDE.sub(shown, text)


def defanged(link: str) -> str:
    """A link as its domain, written so that nothing makes it a link again: ``example[.]org``."""
    return host_of(link).replace(".", "[.]") or SLOT


def host_of(link: str) -> str:
    """The host of a link or bare host, lower case, without user, port and ``www.``."""
    rest = link.partition("://")[2] if "://" in link else link
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    return host.lower().removeprefix("www.").strip(".")


@lru_cache(maxsize=1 << 18)
def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    return unicodedata.normalize("NFKC", word).casefold()
