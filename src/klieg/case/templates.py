"""Texts as templates with slots: what a text says in common words, not where to find it.

A word stays if at least five accounts used it, and never more than three stand in a row; handles,
numbers and addresses never stay, links keep their domain. The room knows texts and how many
accounts used a word; it knows no id and no pseudonym.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

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

_LINK = r"(?:[a-z][a-z0-9+.\-]*://|www\.)[^\s<>\"“”»]*[^\s<>\"“”».,;:!?…)\]}']"
_ADDRESS = r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
_HANDLE = r"[@＠][\w.\-]*\w"
_TAG = r"[#＃]\w+"
_BARE_HOST = r"(?:[\w\-]+\.)+[a-z]{2,}(?:/\S*)?"
_WORD = r"\w+(?:['’\-]\w+)*"
_PIECE = re.compile(
    f"(?P<link>{_LINK})|(?P<address>{_ADDRESS})|(?P<handle>{_HANDLE})|(?P<tag>{_TAG})"
    f"|(?P<host>{_BARE_HOST})|(?P<word>{_WORD})",
    re.IGNORECASE,
)
OUTSIDE = f"(?P<link>{_LINK})|(?P<address>{_ADDRESS})|(?P<handle>{_HANDLE})"
"""A pattern of what leads out of a sentence: links, mail addresses, handles (ignore case)."""
_OUTSIDE = re.compile(OUTSIDE, re.IGNORECASE)
_SLOTS = re.compile(rf"{re.escape(SLOT)}(?:[\W_]*?{re.escape(SLOT)})+")


def words_in_use(texts: Iterable[tuple[str, int]], names: Collection[str]) -> set[str]:
    """Words (case folded) that at least COMMON accounts used; pairs are (text, account).

    ``names`` (handles and ids, case folded) are no words, however often they stand there.
    """
    users: dict[str, set[int]] = {}
    common: set[str] = set()
    for text, account in texts:
        for found in _PIECE.finditer(text):
            if found.lastgroup not in ("word", "tag"):
                continue
            word = _folded(found.group())
            if word in common:
                continue
            known = users.setdefault(word, set())
            known.add(account)
            if len(known) >= COMMON:
                common.add(word)
                del users[word]
    return common - set(names)


def template(text: str, common: Collection[str]) -> str:
    """The text with everything but its common words in slots."""
    row = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal row
        piece, kind = found.group(), found.lastgroup
        if kind in ("link", "host"):
            row = 0
            return defanged(piece)
        keep = (
            kind in ("word", "tag")
            and row < IN_A_ROW
            and not any(c.isdigit() for c in piece)
            and _folded(piece) in common
        )
        row = row + 1 if keep else 0
        return piece if keep else SLOT

    return _SLOTS.sub(SLOT, _PIECE.sub(shown, text))


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


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()
