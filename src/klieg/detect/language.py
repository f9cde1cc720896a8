"""What language each post counts as when pools are formed: its tag, else its dominant script.

The room knows no actions and no strata; it reads two columns and gives dense codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.detect.columns import numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I32, Posts

__all__ = ["languages", "scripts"]

# what platforms write when they do not know
_NOT_A_LANGUAGE = ("", "und", "zxx", "mul", "mis", "art", "qme", "qht", "qam", "qct", "qst", "in_")

# An address or a handle is Latin in every language: left in, it would outvote a short text.
_NOT_PROSE = r"(?:https?://|www\.)\S+|[@#]\S+"

_STEP = 65_536  # texts at a time

_SCRIPTS = (
    "Latin",
    "Greek",
    "Cyrillic",
    "Armenian",
    "Hebrew",
    "Arabic",
    "Indic",
    "Thai",
    "Georgian",
    "Ethiopic",
    "Kana",
    "Han",
    "Hangul",
)


def languages(posts: Posts) -> tuple[I32, tuple[str, ...]]:
    """((n,) code or −1 where nothing tells, names by first appearance) of the posts.

    ``lang`` is cut to its primary subtag (``en-GB`` → ``en``); where it is missing the dominant
    script of the text stands in (``Cyrillic script``).
    """
    given = _whole(posts.table.column("lang")).dictionary_encode()
    tag = pc.utf8_lower(given.dictionary)  # a few names, however many posts
    tag = pc.replace_substring_regex(tag, r"[-_].*$", "")
    unknown = pc.is_in(tag, pa.array([*_NOT_A_LANGUAGE, None], pa.string()))
    tag = pc.if_else(unknown, None, tag)
    if not given.null_count and not pc.any(pc.is_null(tag)).as_py():
        # a post's code is that of its name: no column of strings is made
        few = tag.dictionary_encode()
        kind = few.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        code = kind[given.indices.to_numpy(zero_copy_only=False)]
        first, number = numbered(code, len(few.dictionary))
        return number, tuple(few.dictionary.take(pa.array(code[first])).to_pylist())
    tag = tag.take(given.indices)
    if tag.null_count:
        where = pc.is_null(tag)
        code = scripts(pc.if_else(where, _whole(posts.table.column("text")), None))
        script = pa.DictionaryArray.from_arrays(
            pa.array(code, mask=code < 0), [f"{s} script" for s in _SCRIPTS]
        )
        tag = pc.coalesce(tag, script.cast(pa.string()))
    coded = tag.dictionary_encode()
    return (
        coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32),
        tuple(coded.dictionary.to_pylist()),
    )


def scripts(text: pa.Array) -> I32:
    """(n,) the script most letters of each text are in (index into the known ones), −1 if none.

    Works on UTF-8 lead bytes: a block table for two-byte letters, the second byte for three-byte
    ones. Ties go to the script that stands first in the table.
    """
    text = pc.replace_substring_regex(text.fill_null(""), _NOT_PROSE, "")
    best = np.full(len(text), -1, np.int32)
    for start in range(0, len(text), _STEP):
        part = text.slice(start, _STEP).cast(pa.large_binary())
        ends = np.frombuffer(part.buffers()[1], np.int64)[part.offset :][: len(part) + 1]
        if ends[0] == ends[-1]:
            continue
        script = _script_of_bytes(np.frombuffer(part.buffers()[2], np.uint8)[ends[0] : ends[-1]])
        letters = np.flatnonzero(script >= 0)
        row = np.searchsorted(ends[1:] - ends[0], letters, side="right")
        votes = np.bincount(
            row * len(_SCRIPTS) + script[letters], minlength=len(part) * len(_SCRIPTS)
        ).reshape(len(part), -1)
        best[start : start + len(part)] = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
    return best


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    # pyarrow gives back a ChunkedArray when there is no chunk at all
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


def _script_of_bytes(data: NDArray[np.uint8]) -> NDArray[np.int8]:
    """(bytes,) script of the character that starts at each byte, −1 for all other bytes."""
    script = _lead_table()[data]
    three = np.flatnonzero((data >= 0xE0) & (data <= 0xED))
    three = three[three + 1 < len(data)]
    script[three] = _three_byte_table()[data[three] - 0xE0, data[three + 1]]
    return script


def _lead_table() -> NDArray[np.int8]:
    table = np.full(256, -1, np.int8)
    table[ord("a") : ord("z") + 1] = table[ord("A") : ord("Z") + 1] = 0
    for first, last, script in (
        (0xC3, 0xCA, "Latin"),
        (0xCD, 0xCF, "Greek"),
        (0xD0, 0xD3, "Cyrillic"),
        (0xD4, 0xD6, "Armenian"),
        (0xD7, 0xD7, "Hebrew"),
        (0xD8, 0xDD, "Arabic"),
    ):
        table[first : last + 1] = _SCRIPTS.index(script)
    return table


def _three_byte_table() -> NDArray[np.int8]:
    table = np.full((14, 256), -1, np.int8)
    for lead, first, last, script in (
        (0xE0, 0xA4, 0xB7, "Indic"),
        (0xE0, 0xB8, 0xBB, "Thai"),
        (0xE1, 0x82, 0x83, "Georgian"),
        (0xE1, 0x88, 0x8E, "Ethiopic"),
        (0xE1, 0xB8, 0xBB, "Latin"),
        (0xE3, 0x81, 0x83, "Kana"),
        (0xE3, 0x90, 0xBF, "Han"),
        (0xE4, 0x80, 0xBF, "Han"),
        (0xEA, 0xB0, 0xBF, "Hangul"),
    ):
        table[lead - 0xE0, first : last + 1] = _SCRIPTS.index(script)
    for lead in range(0xE5, 0xEA):
        table[lead - 0xE0] = _SCRIPTS.index("Han")
    for lead in range(0xEB, 0xEE):
        table[lead - 0xE0] = _SCRIPTS.index("Hangul")
    return table
