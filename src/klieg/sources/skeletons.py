"""Lines of JSON told apart by their skeleton: which keys hold which kinds, the values left out.

A dump of millions of records has a few skeletons. One pass over the bytes, compiled, finds one line
of each, so that only those need a parser to learn every key of the file. Lines of one skeleton
hold the same keys in the same order; a list counts each of its elements once if it is like the one
before it. The room knows brackets and quotes; whether a line is JSON at all its readers say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klieg.sources.lines import MAX_DEPTH, deep_line

__all__ = ["Skeletons", "skeletons", "survey", "warm"]

_PIECE, _SURVEYED = 4 << 20, 1 << 19
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Skeletons:
    """What one pass found."""

    samples: list[bytes]  # one line of each skeleton, in file order
    lines: int  # blank ones too; a last line without its end counts
    deep: bool  # whether some line is nested deeper than allowed
    complete: bool  # False if there were more than asked for: samples are not all


def skeletons(path: Path, *, most: int, room: int) -> Skeletons:
    """One line of each skeleton; gives up above ``most`` of them or ``room`` bytes of samples."""
    seen: set[int] = set()
    samples: list[bytes] = []
    lines, held = 0, 0
    for block in _blocks(path):
        marks, starts = np.empty(len(block), np.uint64), np.empty(len(block) + 1, np.int64)
        found, deep = _marked(block, marks, starts)
        if deep:
            return Skeletons(samples, lines, True, complete=False)
        lines += found
        new, first = np.unique(marks[:found], return_index=True)
        for at in sorted(
            k for m, k in zip(new.tolist(), first.tolist(), strict=True) if m not in seen
        ):
            samples.append(block[starts[at] : starts[at + 1] - 1].tobytes())
            held += len(samples[-1])
        seen.update(new.tolist())
        if len(seen) > most or held > room:
            return Skeletons(samples, lines, False, complete=False)
    return Skeletons(samples, lines, False, complete=True)


def survey(path: Path) -> tuple[int, bool]:
    """``lines.survey``, compiled: lines of a file, and whether one is nested too deep."""
    lines, deep = 0, False
    for block in _blocks(path, _SURVEYED):
        found, most = _crowds(block)
        lines += found
        deep = deep or (most > MAX_DEPTH and deep_line(block.tobytes()))
    return lines, deep


def warm() -> None:
    """Compile what reading uses, so that the first large file finds it on disk."""
    line = b'{"a": [1, -2.5, "b\\"", null, true], "c": {}}\n'
    block = np.frombuffer(bytearray(line * 3), np.uint8)
    _marked(block, np.empty(len(block), np.uint64), np.empty(len(block) + 1, np.int64))
    _crowds(block)


def _blocks(path: Path, piece: int = _PIECE) -> Iterator[NDArray[np.uint8]]:
    """Whole lines at a time, each with its end, in room that is used again for the next."""
    buffer, kept = bytearray(2 * piece), 0
    with path.open("rb", buffering=0) as file:
        if file.read(len(_MARK)) != _MARK:
            file.seek(0)
        while True:
            if len(buffer) <= kept + piece:  # in the middle of a long line
                buffer = buffer + bytearray(len(buffer))
            got = file.readinto(memoryview(buffer)[kept : kept + piece])
            end = kept + got
            if not got and kept:  # the last line lacks its end
                buffer[end] = 10
                end += 1
            cut = buffer.rfind(b"\n", 0, end) + 1
            if cut:
                yield np.frombuffer(buffer, np.uint8, cut)
                buffer[: end - cut] = buffer[cut:end]
            kept = end - cut
            if not got:
                return


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder that can be written to: it compiles anew in each process
        return njit(nogil=True)(function)


_STRIDE = 64


@_compiled
def _crowds(code: Any) -> Any:
    """(lines, brackets that the line with most of them opens); the last byte must end a line."""
    lines, opened, most, i, n = 0, 0, 0, 0, len(code)
    while i + _STRIDE <= n:
        ends, opens = 0, 0
        for k in range(_STRIDE):  # (the same for all: many bytes in one instruction)
            c = code[i + k]
            ends += c == 10
            opens += (c | 32) == 123
        if ends:
            for k in range(_STRIDE):
                c = code[i + k]
                if c == 10:
                    lines, most, opened = lines + 1, max(most, opened), 0
                elif (c | 32) == 123:
                    opened += 1
        else:
            opened += opens
        i += _STRIDE
    for k in range(i, n):
        c = code[k]
        if c == 10:
            lines, most, opened = lines + 1, max(most, opened), 0
        elif (c | 32) == 123:
            opened += 1
    return lines, most


@_compiled
def _mixed(a: Any, b: Any) -> Any:
    h = (a ^ b) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(29))


# what stands for a value of a kind
_OBJECT, _LIST, _SOME, _NULL = np.uint64(11), np.uint64(13), np.uint64(17), np.uint64(19)
_TEXT, _TRUTH, _WHOLE, _LESS = np.uint64(23), np.uint64(29), np.uint64(31), np.uint64(37)
_BROKEN, _LONG, _STRAY = np.uint64(41), np.uint64(43), np.uint64(47)
_FNV, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


@_compiled
def _scalar(code: Any, at: int, end: int) -> Any:
    """The kind of a value that is no text, object or list."""
    first = code[at]
    if first == 110:
        return _NULL
    if first in (116, 102):
        return _TRUTH
    for k in range(at, end):
        if code[k] in (46, 69, 101):  # a point, an exponent
            return _BROKEN
    if end - at > 18:
        return _LONG
    return _LESS if first == 45 else _WHOLE


@_compiled
def _key(code: Any, at: int) -> Any:
    """What stands for the text that begins here, and where it ends."""
    h = _FNV
    while code[at] != 34 and code[at] != 10:
        h = (h ^ np.uint64(code[at])) * _FNV_PRIME
        at += 2 if code[at] == 92 and code[at + 1] != 10 else 1
    return h, at


@_compiled
def _text(code: Any, at: int, stops: Any) -> Any:
    """Where the text that begins here ends: its quote, or the line's end."""
    while True:
        while not stops[code[at]]:
            at += 1
        if code[at] != 92:
            return at
        at += 2 if code[at + 1] != 10 else 1


@_compiled
def _marked(code: Any, marks: Any, starts: Any) -> Any:
    """Fill in the mark of each line and where it starts (and the last ends); (lines, too deep).

    The last byte must end a line: so no look goes past it.
    """
    stops = np.zeros(256, np.bool_)
    stops[10] = stops[34] = stops[92] = True
    top = np.zeros(MAX_DEPTH + 2, np.uint64)  # of each open object or list: its mark so far,
    last = np.zeros(MAX_DEPTH + 2, np.uint64)  # the mark of its last element, or of its key,
    is_list = np.zeros(MAX_DEPTH + 2, np.bool_)
    key_next = np.zeros(MAX_DEPTH + 2, np.bool_)
    depth, listed, line, i, n = 0, 0, 0, 0, len(code)
    starts[0] = 0
    while i < n:
        c = code[i]
        value = np.uint64(0)  # of what ended here
        if c == 34:
            if key_next[depth]:
                last[depth], j = _key(code, i + 1)
                key_next[depth] = False
            else:
                j = _text(code, i + 1, stops)
                value = _TEXT if listed else _SOME
            i = j if code[j] == 34 else j - 1
        elif c == 123 or c == 91:
            depth += 1
            if depth > MAX_DEPTH:
                return line, True
            is_list[depth], key_next[depth] = c == 91, c == 123
            listed += is_list[depth]
            top[depth], last[depth] = (_LIST if c == 91 else _OBJECT), np.uint64(0)
        elif c == 125 or c == 93:
            if depth:
                value = _mixed(top[depth], np.uint64(c))
                listed -= is_list[depth]
                depth -= 1
            else:
                value = _STRAY
        elif c == 44:
            key_next[depth] = depth > 0 and not is_list[depth]
        elif c == 10:
            marks[line] = _mixed(top[0], np.uint64(depth))
            line += 1
            starts[line] = i + 1
            depth, listed, top[0], last[0] = 0, 0, np.uint64(0), np.uint64(0)
        elif c not in (58, 32, 9, 13):
            j = i + 1
            while code[j] not in (44, 125, 93, 10, 32, 9, 13):
                j += 1
            value = _scalar(code, i, j)
            if not listed and value != _NULL:
                value = _SOME
            i = j - 1
        if value:
            if depth and not is_list[depth]:
                top[depth] = _mixed(_mixed(top[depth], last[depth]), value)
            elif not depth or value != last[depth]:
                top[depth] = _mixed(top[depth], value)
                last[depth] = value
        i += 1
    return line, False
