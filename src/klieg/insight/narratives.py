"""Narratives: the words that set a group's posts apart, and posts that show them.

Weighted log-odds with an informative prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words"): terms
that are merely frequent, or merely rare, do not lead. The room knows texts; it knows nothing of
truth, stance or topic labels, and judges nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from klieg.tables import Finding, Narrative, Posts

__all__ = ["background", "of_finding"]

SAMPLE, OF_FINDING = 20_000, 2_000
TERMS = 8
EXEMPLARS = 3
LEAST_Z = 1.0
# links carry no words of the post; tags and handles stay whole because they are how people search
_TERM = re.compile(r"https?://\S+|[#@]?\w[\w'’]+", re.UNICODE)


def background(posts: Posts) -> Counter[str]:
    """How many posts of an evenly spaced sample use each term: the prior of every finding."""
    step = max(1, posts.n // SAMPLE)
    rows = np.arange(0, posts.n, step)
    return _counts(posts.table.column("text").take(rows).to_pylist())


def of_finding(finding: Finding, posts: Posts, prior: Counter[str]) -> Narrative | None:
    """Up to 8 terms and 3 exemplar posts; None where the posts carry no text."""
    rows = np.array(finding.posts, np.int64)
    if not len(rows):
        return None
    rows = rows[:: max(1, len(rows) // OF_FINDING)]
    texts = posts.table.column("text").take(rows).to_pylist()
    counts = _counts(texts)
    if not counts:
        return None
    terms = _distinctive(counts, len(texts), prior)
    return Narrative(terms, _exemplars(terms, rows, texts))


@lru_cache(maxsize=65_536)
def _terms(text: str) -> frozenset[str]:
    return frozenset(t.casefold() for t in _TERM.findall(text) if not t.startswith("http"))


def _counts(texts: Iterable[str | None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        if text:
            counts.update(_terms(text))
    return counts


def _distinctive(counts: Counter[str], n: int, prior: Counter[str]) -> tuple[str, ...]:
    """Terms with the largest z of the log-odds between the group's posts and the sample's."""
    whole = sum(prior.values()) or 1
    ours = sum(counts.values())
    scored = []
    for term, k in counts.items():
        if k < 2 and n > 1:
            continue
        a = 500.0 * (prior[term] + 0.1) / whole
        other = max(prior[term] - k, 0)
        odds = np.log((k + a) / max(ours + 500.0 - k - a, 1.0))
        rest = np.log((other + a) / max(whole + 500.0 - other - a, 1.0))
        scored.append((float((odds - rest) / np.sqrt(1 / (k + a) + 1 / (other + a))), term))
    scored.sort(key=lambda item: (-item[0], item[1]))
    return tuple(term for z, term in scored[:TERMS] if z > LEAST_Z)


def _exemplars(
    terms: Sequence[str], rows: np.ndarray, texts: Sequence[str | None]
) -> tuple[int, ...]:
    """Posts that use most of the terms, one a distinct text, earliest first among equals."""
    wanted = set(terms)
    ranked = sorted(
        ((-len(wanted & _terms(t)), int(row), t) for row, t in zip(rows, texts, strict=True) if t),
        key=lambda item: item[:2],
    )
    chosen: dict[str, int] = {}
    for _, row, t in ranked:
        key = " ".join(sorted(_terms(t)))
        if key not in chosen and len(chosen) < EXEMPLARS:
            chosen[key] = row
    return tuple(chosen.values())
