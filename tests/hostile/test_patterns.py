"""Threat: ReDoS. No pattern of ours takes more than linear time, whatever it is given.

Patterns on columns run in Arrow (RE2, which cannot backtrack); those of Python's ``re`` are found
here by walking through every room, and each is set upon strings made to make backtracking explode.
klieg takes no pattern from its users but names of files, which are matched by ``fnmatch``.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import klieg

LONG = 40_000
PIECES = (
    "a", "0", " ", "\n", ".", "-", "/", ":", "@", "'", '"', "\\", "[", "<", "é", "“", "_", "a.",
    "a-", "0.", " a", "\\u", "\\ud83d", "http://", "www.", "a@", "--a=", "%41", "x.co/", "{…}",
)  # fmt: skip
ENDS = ("", "!")
# used with match or fullmatch only, on what is no longer than an address or a word of an option
ANCHORED = ("klieg.case.pseudonyms._HOST", "klieg.case.run._FLAG", "klieg.urls.")


def rooms() -> Iterator[str]:
    for found in pkgutil.walk_packages(klieg.__path__, "klieg."):
        if not found.name.endswith("__main__"):
            yield found.name


def patterns() -> dict[str, re.Pattern[str] | re.Pattern[bytes]]:
    """Every compiled pattern that a room keeps, by room and name."""
    found: dict[str, re.Pattern[str] | re.Pattern[bytes]] = {}
    for name in rooms():
        try:
            room = importlib.import_module(name)
        except ImportError:  # an extra that is not installed
            continue
        for word, value in vars(room).items():
            values = value if isinstance(value, (list, tuple)) else [value]
            for i, one in enumerate(values):
                inner = one if isinstance(one, tuple) else (one,)
                for part in inner:
                    if isinstance(part, re.Pattern):
                        found[f"{name}.{word}[{i}]"] = part
    return found


PATTERNS = patterns()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Python's engine looks for signals as it goes: one that never ends is stopped."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_hostile_patterns_are_found() -> None:
    assert len(PATTERNS) >= 15
    assert any("sources.lines" in name for name in PATTERNS)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such clock here")
@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_hostile_patterns_are_linear(name: str) -> None:
    pattern = PATTERNS[name]
    for piece in PIECES:
        for end in ENDS:
            text = piece * (LONG // len(piece)) + end
            given = text.encode("utf-8", "replace") if isinstance(pattern.pattern, bytes) else text
            try:
                with at_most(4):  # linear: milliseconds; quadratic: ten seconds and more
                    pattern.match(given)  # type: ignore[arg-type]
                    pattern.fullmatch(given)  # type: ignore[arg-type]
                    if not name.startswith(ANCHORED):
                        for _ in zip(range(500), pattern.finditer(given), strict=False):  # type: ignore[arg-type]
                            pass
            except TimeoutError:
                pytest.fail(f"{name} {pattern.pattern!r} hangs on {piece!r} … {end!r}")


def test_hostile_patterns_the_clock_stops_what_does_not_end() -> None:
    with pytest.raises(TimeoutError), at_most(0.2):
        re.match(r"(a+)+$", "a" * 60 + "!")
