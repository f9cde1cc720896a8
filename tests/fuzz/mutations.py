"""Ways to damage an example: what broken exports, hostile senders and careless editors do.

Each takes bytes and a way to draw, and gives bytes. Some know JSON or tables, so that the damage
lands inside a value and not only between brackets; the others know bytes. Used by the fuzzers.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[Any], Any]
Mutation = Callable[[bytes, Draw], bytes]

ODD_TEXT = (
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff tail", "\ufeff", "​", "‮evil", "NA", "null"),
    *("[]", "{}", "['a', 'b']", "[deleted]", "RT @x: y", "=1+1", '"', "'", "a\nb", "a,b;c\td|e"),
    *("1.198e+18", "1e400", "-1", "0", "12.0", "9" * 400, "99999999999999999999", "x" * 5000),
    *("13/04/2024 10:00", "04/13/2024", "03/04/2024", "2024-02-30T00:00:00Z", "2024-05-01"),
    *("2024-05-01 10:00:00 ZZT", "1714557600", "1714557600123", "1714557600123456", "20240501"),
    *(
        "Wed May 01 10:00:00 +0000 2024",
        "May 1, 2024",
        "10:00",
        "1969-12-31T23:59:59Z",
        "3000-01-01",
    ),
    *(
        "https://e.org/a?b=c",
        "https://[",
        "http://" + "a" * 300,
        "<p>x<br></p>",
        "&#xD800;",
        "<![x",
    ),
)
ODD_VALUES = (
    *(None, True, False, 0, -1, 7, 2**53 + 1, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308),
    *(float("nan"), float("inf"), [], {}, [[]], [None], [{}], {"a": None}, {"": ""}, [1, "a", {}]),
    *({"id": 7}, {"data": []}, {"data": {}}, {"$type": "x"}, {"items": 7}, [["a"], {"b": [1]}]),
)
odd_text = st.one_of(st.sampled_from(ODD_TEXT), st.text(max_size=12))
odd_value = st.one_of(st.sampled_from(ODD_VALUES), odd_text)


# --- JSON ----------------------------------------------------------------------------------------


def _records(content: bytes) -> list[Any] | None:
    """The values of an example's lines, or None if it is no JSON."""
    try:
        return [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    except ValueError:
        try:
            return [json.loads(content)]
        except ValueError:
            return None


def _written(records: list[Any], draw: Draw) -> bytes:
    way = draw(st.integers(0, 9))
    ascii_ = draw(st.booleans())

    def dumped(value: Any, **more: Any) -> str:
        text = json.dumps(value, ensure_ascii=ascii_, **more)
        return text if ascii_ else text.encode("utf-8", "replace").decode()

    if way == 0:
        return dumped(records).encode()
    if way == 1:
        return dumped(records[0] if records else {}, indent=1).encode()
    if way == 2:
        return dumped({"data": records}).encode()
    end = "\r\n" if way == 3 else "\n"
    return "".join(dumped(r) + end for r in records).encode()


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    if isinstance(value, dict):
        steps: list[Any] = list(value)
    elif isinstance(value, list):
        steps = list(range(len(value)))
    else:
        return found
    for step in steps:
        found += _paths(value[step], (*here, step))
    return found


def _deep(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def json_values(content: bytes, draw: Draw) -> bytes:
    """Drop, retype, repeat, move or bury values."""
    records = _records(content)
    if not records:
        return content
    records = copy.deepcopy(records)
    for _ in range(draw(st.integers(1, 3))):
        paths = _paths(records)
        if not paths:
            break
        *way, last = draw(st.sampled_from(paths))
        holder: Any = records
        for step in way:
            holder = holder[step]
        _change(holder, last, records, draw)
    return _written(records, draw)


def _change(holder: Any, last: Any, records: list[Any], draw: Draw) -> None:
    act = draw(st.integers(0, 6))
    if act == 0:
        del holder[last]
    elif act == 1 and isinstance(holder, list):
        holder.insert(last, copy.deepcopy(holder[last]))
    elif act == 2 and isinstance(holder, dict):
        holder[draw(st.sampled_from([*holder, "id", "data", "text", ""]))] = holder.pop(last)
    elif act == 3:
        holder[last] = draw(st.sampled_from([[holder[last]], {"x": holder[last]}]))
    elif act == 4:
        holder[last] = _deep(draw(st.sampled_from([5, 63, 64, 70, 400])))
    elif act == 5:
        *way, final = draw(st.sampled_from(_paths(records)))
        other: Any = records
        for step in way:
            other = other[step]
        holder[last] = copy.deepcopy(other[final])
    else:
        holder[last] = copy.deepcopy(draw(odd_value))


def lines(content: bytes, draw: Draw) -> bytes:
    """Shuffle, repeat and leave out lines."""
    held = content.split(b"\n")
    order = draw(st.lists(st.integers(0, len(held) - 1), min_size=1, max_size=12))
    return b"\n".join(held[i] for i in order) + b"\n"


# --- tables --------------------------------------------------------------------------------------


def cells(content: bytes, draw: Draw) -> bytes:
    """Change cells, rows and columns of a table; write it with any delimiter."""
    text = content.decode("utf-8", "replace")
    delimiter = "\t" if "\t" in text.split("\n")[0] else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not rows or not rows[0]:
        return content
    for _ in range(draw(st.integers(1, 4))):
        _change_table(rows, draw)
    out = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    given = draw(st.sampled_from([delimiter, delimiter, delimiter, ";", "|", "\t"]))
    csv.writer(out, delimiter=given, quoting=quoting, lineterminator=end).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _change_table(rows: list[list[str]], draw: Draw) -> None:
    act = draw(st.integers(0, 7))
    row = rows[draw(st.integers(0, len(rows) - 1))]
    at = draw(st.integers(0, max(len(rows[0]) - 1, 0)))
    if act == 0 and len(rows[0]) > 1:  # a column goes
        for r in rows:
            del r[at : at + 1]
    elif act == 1:  # a column twice
        for r in rows:
            r.extend(r[at : at + 1])
    elif act == 2 and row:  # a ragged row
        row.pop()
    elif act == 3:
        row.append(draw(odd_text))
    elif act == 4:
        rows.append(list(row))
    elif act == 5:
        rows[:] = rows[:1]
    elif act == 6:  # a whole column of one odd value
        odd = draw(odd_text)
        for r in rows[1:]:
            r[at : at + 1] = [odd]
    elif row:
        row[at % len(row)] = draw(odd_text)


# --- bytes ---------------------------------------------------------------------------------------

_INSERTED = (
    b"\x00",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xff",
    b"\r",
    b"\n",
    b'"',
    b"'",
)
_INSERTED += (b"{", b"[" * 70, b"]", b"}", b",", b"\\ud800", b"\\", b"\x1a", b"1e999", b"\xc3\x28")


def truncate(content: bytes, draw: Draw) -> bytes:
    """Break off anywhere."""
    return content[: draw(st.integers(0, len(content)))]


def insert(content: bytes, draw: Draw) -> bytes:
    """Put something odd anywhere."""
    at = draw(st.integers(0, len(content)))
    return content[:at] + draw(st.sampled_from(_INSERTED)) + content[at:]


def swap(content: bytes, draw: Draw) -> bytes:
    """Exchange two bytes, or set one."""
    if len(content) < 2:
        return content
    a, b = draw(st.integers(0, len(content) - 1)), draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[a], changed[b] = content[b], draw(st.sampled_from([content[a], 0, 34, 44, 255]))
    return bytes(changed)


def cut(content: bytes, draw: Draw) -> bytes:
    """Leave out or repeat a stretch."""
    a, b = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
    return content[:a] + content[a:b] * draw(st.sampled_from([0, 2])) + content[b:]


def encode(content: bytes, draw: Draw) -> bytes:
    """The same text in another encoding."""
    text = content.decode("utf-8", "replace")
    name = draw(st.sampled_from(["utf-16", "utf-8-sig", "latin-1", "cp1252", "utf-16-le", "utf-7"]))
    return text.encode(name, "replace")


MUTATIONS: tuple[Mutation, ...] = (
    *(json_values, json_values, json_values, cells, cells, cells),
    *(lines, truncate, insert, swap, cut, encode),
)


def damaged(content: bytes, draw: Draw) -> bytes:
    """An example after one to three mutations."""
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3)):
        content = mutate(content, draw)
    return content
