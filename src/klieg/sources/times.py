"""Turns a column of times, however it was written, into UTC microseconds, or refuses the column.

ISO 8601, RFC 2822, the platform's own long form, dates with slashes, epochs in s, ms, µs or ns.
What a reader could take two ways is never guessed: day or month first, mixed epochs, the time of
the crawl in place of the time of the post. The room knows columns and clocks, nothing of posts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import InputError
from klieg.sources.looks import all_digits, all_of, suspects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from klieg.tables import I64, Bool

__all__ = [
    *("DAY", "Times", "civil", "in_range", "is_clock", "is_crawl", "parse", "settle"),
    "unknown_zone",
]

MINUTE, HOUR, DAY = 60, 3600, 86400
US = 1_000_000
EARLIEST, LATEST = 0, 4_102_444_800 * US  # 1970 … 2100: outside it a number is no time of a post

_ZONE = r"(?P<z>[Zz]|[A-Za-z]{3,4}|[+-]\d{2}(?::?\d{2})?)?"
_CLOCK = r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d+))?)?"
_AMPM = r"\s*(?P<ap>[AaPp]\.?[Mm]\.?)?"
_FORMS = {
    "iso": r"^(?P<y>\d{4})[-/.](?P<mo>\d{1,2})[-/.](?P<d>\d{1,2})"
    rf"(?:[Tt ]+{_CLOCK})?\s*{_ZONE}$",
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<mo>\d{2})(?P<d>\d{2})"
    rf"(?:[T ]?(?P<h>\d{{2}})(?P<mi>\d{{2}})(?P<s>\d{{2}}))?{_ZONE}$",
    "rfc": r"^(?:[A-Za-z]{3,9},? )?(?P<d>\d{1,2})[ -](?P<mo>[A-Za-z]{3})[a-z]*[ -](?P<y>\d{4})"
    rf"(?:,? +{_CLOCK}{_AMPM})?\s*{_ZONE}$",
    "long": r"^[A-Za-z]{3} (?P<mo>[A-Za-z]{3}) +(?P<d>\d{1,2}) "
    rf"{_CLOCK} {_ZONE} ?(?P<y>\d{{4}})$",
    "english": r"^(?P<mo>[A-Za-z]{3})[a-z]*\.? (?P<d>\d{1,2}),? (?P<y>\d{4})"
    rf"(?:,? +(?:at )?{_CLOCK}{_AMPM})?\s*{_ZONE}$",
    "slash": r"^(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})"
    rf"(?:,?\s+{_CLOCK}{_AMPM})?\s*{_ZONE}$",
}
_MONTHS = dict(
    zip(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        range(1, 13),
        strict=True,
    )
)
_NAMED_ZONES = dict.fromkeys(("z", "utc", "gmt", "ut"), 0) | {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "akst": -9, "akdt": -8, "hst": -10, "ast": -4, "adt": -3, "brt": -3, "art": -3, "clt": -4,
    "wet": 0, "west": 1, "cet": 1, "cest": 2, "met": 1, "mest": 2, "bst": 1, "eet": 2, "eest": 3,
    "msk": 3, "trt": 3, "sast": 2, "eat": 3, "wat": 1, "cat": 2, "gst": 4, "pkt": 5, "ict": 7,
    "wib": 7, "hkt": 8, "sgt": 8, "pht": 8, "awst": 8, "jst": 9, "kst": 9, "aest": 10, "aedt": 11,
    "nzst": 12, "nzdt": 13,
}  # fmt: skip
"""Hours from UTC; IST is left out, which is India's, Israel's or Ireland's."""
_EPOCHS = {"s": (1e11, US), "ms": (1e14, 1000), "µs": (1e17, 1), "ns": (np.inf, 0)}
_LIMITS = [limit for limit, _ in _EPOCHS.values()][:-1]


@dataclass(frozen=True, slots=True)
class Times:
    """A parsed column: rows that could not be read have ``ok`` False and time 0."""

    us: I64  # (n,) microseconds since 1970 UTC
    ok: Bool  # (n,)
    resolution: NDArray[np.int32]  # (n,) seconds the writing allows: 1, 60, 86400
    notes: tuple[str, ...]


def parse(column: Any, *, name: str, path: str, order: str | None = None) -> Times:
    """Read one column (n rows of strings, numbers, dates or timestamps).

    ``order`` is ``"dmy"`` or ``"mdy"`` where the user said it. Raises InputError, the column named,
    if day and month could be exchanged everywhere, if both orders occur, or if epochs are mixed.
    """
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_timestamp(kind):
        return _of_timestamps(values)
    if pa.types.is_date(kind):
        stamps = _of_timestamps(values.cast(pa.timestamp("us")))
        return Times(stamps.us, stamps.ok, np.full(len(values), DAY, np.int32), ())
    if pa.types.is_int64(kind) and (found := _of_one_unit(values)):
        return found
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(values.cast(pa.float64(), safe=False), name, path)
    text = values.cast(pa.string())
    if len(suspects(text)):
        text = pc.utf8_trim_whitespace(text)
    return _of_strings(text, name, path, order)


def unknown_zone(column: Any) -> str | None:
    """A zone's name in a column that stands in no table here (``"ZZT"``), or None."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    ends = pc.extract_regex(
        text, r"\d{1,2}:\d{2}\S*\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?P<z>[A-Za-z]{2,5})$"
    )
    words = pc.unique(pc.struct_field(ends, "z").drop_null()).to_pylist()
    return next((w for w in words if w.lower() not in {*_NAMED_ZONES, "am", "pm"}), None)


_LONGEST_CLOCK = 40  # with blanks around it


def is_clock(column: Any) -> bool:
    """Whether every value is a time of day (``13``, ``13:45``, ``13:45:10``) and no date."""
    values = column.cast(pa.string())
    if (pc.max(pc.binary_length(values.slice(0, 1000))).as_py() or 0) > _LONGEST_CLOCK:
        return False
    values = pc.utf8_trim_whitespace(values)
    fits = pc.match_substring_regex(values, r"^([01]?\d|2[0-4])(:[0-5]\d(:[0-5]\d(\.\d+)?)?)?$")
    return len(values) > values.null_count and bool(pc.all(fits, skip_nulls=True).as_py())


def in_range(stamps: Any) -> Any:
    """Timestamps from 1970 to 2100; others are null."""
    us = stamps.cast(pa.timestamp("us")).cast(pa.int64())
    fits = pc.and_(pc.greater_equal(us, EARLIEST), pc.less(us, LATEST))
    return pc.if_else(fits, us, None).cast(pa.timestamp("us", tz="UTC"))


def is_crawl(times: Times) -> bool:
    """Whether most posts share one time or three: the stamp of a crawl, not of a post."""
    us = times.us[times.ok]
    if len(us) < 100 or times.resolution.max(initial=0) >= DAY:
        return False

    def crowded(counts: Any) -> bool:
        most = np.sort(counts)[-3:]
        return bool(most[-1] > 0.5 * len(us) or most.sum() > 0.8 * len(us))

    # times with one remainder bound how many are the same, without a sort
    return crowded(np.bincount(us % 65_521)) and crowded(np.unique(us, return_counts=True)[1])


def settle(us: I64, resolution: NDArray[np.int32], groups: I64) -> NDArray[np.int32]:
    """The clock's tick in seconds, row by row, judged over each group of rows.

    Writing without seconds is a minute clock; so is a group of 20 or more rows with 5 or more
    different times that all stand on whole minutes (hours, days). Ticks under a second are 0.
    """
    settled = resolution.copy()
    for group in np.unique(groups) if groups.any() else groups[:1]:
        rows = np.flatnonzero(groups == group) if groups.any() else slice(None)
        own = us[rows]
        tick = 1
        if len(own) >= 20 and _five_differ(own):
            tick = next((s for s in (DAY, HOUR, MINUTE) if not (own % (s * US)).any()), 1)
        if tick == 1 and (own % US).any():
            tick = 0
        fine = settled[rows] <= 1
        settled[rows] = np.where(fine, tick, np.maximum(settled[rows], tick))
    return settled


def _five_differ(us: I64) -> bool:
    # mostly the first few say it
    return len(np.unique(us[:1000])) >= 5 or len(np.unique(us)) >= 5


def _of_timestamps(values: Any) -> Times:
    us = pc.cast(values, pa.timestamp("us", tz=values.type.tz), safe=False)
    ok = np.asarray(us.is_valid())
    whole = np.asarray(us.cast(pa.int64()).fill_null(0)).astype(np.int64, copy=True)
    ok &= (whole >= EARLIEST) & (whole < LATEST)
    return Times(np.where(ok, whole, 0), ok, np.ones(len(ok), np.int32), ())


def _of_numbers(values: Any, name: str, path: str) -> Times:
    x = np.asarray(values.fill_null(np.nan), np.float64)
    ok = np.isfinite(x) & (x >= 0)
    size = np.where(ok, x, 0.0)
    unit = np.searchsorted(_LIMITS, size, side="right")
    used = np.unique(unit[ok & (size > 0)])
    if len(used) > 1:
        mixed = " and ".join(list(_EPOCHS)[u] for u in used)
        raise InputError(
            f"epoch times in {mixed} are mixed; convert the column to one unit",
            path=path,
            column=name,
        )
    factor = [US, 1000, 1, 1e-3][int(used[0])] if len(used) else US
    us = np.rint(size * factor)
    ok &= us < LATEST
    return Times(np.where(ok, us, 0).astype(np.int64), ok, np.ones(len(ok), np.int32), ())


def _of_one_unit(values: Any) -> Times | None:
    """The same for whole numbers, none missing, that are all in one unit and in range: cheaper."""
    low, high = pc.min_max(values).as_py().values()
    if values.null_count or low is None or low <= 0:
        return None
    for (limit, factor), above in zip(_EPOCHS.values(), (0, *_LIMITS), strict=True):
        if above <= low and high < limit and 0 < high * factor < LATEST:
            us = np.asarray(values) * factor
            return Times(us, np.ones(len(us), np.bool_), np.ones(len(us), np.int32), ())
    return None


def _of_strings(values: Any, name: str, path: str, order: str | None) -> Times:
    n = len(values)
    us, ok, tick = np.zeros(n, np.int64), np.zeros(n, np.bool_), np.ones(n, np.int32)
    notes: list[str] = []
    left = np.asarray(pc.and_kleene(values.is_valid(), pc.not_equal(values, "")).fill_null(False))
    for form in ("fast", "digits", "iso", "numbers", "compact", "rfc", "long", "english", "slash"):
        rows = np.flatnonzero(left)
        if not len(rows):
            break
        subset = values if len(rows) == n else values.take(pa.array(rows))
        if form == "numbers":
            found = _numeric_strings(subset, name, path)
        elif form == "digits":
            plain = all_of(subset, _IN_NUMBERS)
            found = _numeric_strings(subset, name, path) if plain else _nothing(len(rows))
        elif form == "fast":
            found = _iso_at_once(subset)
            if len(rows) == n and found.ok.all():
                return found
        else:
            found = _by_form(subset, form, name, path, order)
        hit = rows[found.ok]
        us[hit], tick[hit], ok[hit], left[hit] = (
            found.us[found.ok],
            found.resolution[found.ok],
            True,
            False,
        )
        notes += [note for note in found.notes if note not in notes]
    return Times(us, ok, tick, tuple(notes))


def _nothing(n: int) -> Times:
    return Times(np.zeros(n, np.int64), np.zeros(n, np.bool_), np.ones(n, np.int32), ())


def _iso_at_once(values: Any) -> Times:
    """Arrow's own ISO reader: five times faster, but all or nothing."""
    if not re.match(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d", values[0].as_py() or ""):
        return _nothing(len(values))
    size = np.asarray(pc.binary_length(values).fill_null(0))
    minutes = bool((size == 16).all())  # no seconds, and no room for a zone
    if not minutes and not (size >= 19).all():
        return _nothing(len(values))
    for zone in ("UTC", None):
        try:
            values.slice(0, 1).cast(pa.timestamp("us", tz=zone))  # of a whole column, No is slow
            stamps = values.cast(pa.timestamp("us", tz=zone))
        except pa.ArrowInvalid:
            continue
        found = _of_timestamps(stamps)
        tick = np.full(len(size), MINUTE if minutes else 1, np.int32)
        return Times(found.us, found.ok, tick, _ASSUMED if zone is None else ())
    return _nothing(len(values))


_ASSUMED = ("some times name no time zone: read as UTC",)


_IN_NUMBERS = b"0123456789."
_DATE_SIZES = (8, 14)  # digits of 20170131 and 20170131104500


def _numeric_strings(values: Any, name: str, path: str) -> Times:
    if all_digits(values):
        size = np.asarray(pc.binary_length(values).fill_null(0))
        if size.max(initial=0) < 18 and not np.isin(size, _DATE_SIZES).any():
            whole = values.cast(pa.int64())
            return _of_one_unit(whole) or _of_numbers(whole.cast(pa.float64()), name, path)
    number = pc.match_substring_regex(values, r"^\d+(\.\d+)?([eE]\+?\d+)?$")
    dates = pc.match_substring_regex(values, r"^(19|20)\d{6}(\d{6})?$")
    if pc.all(pc.or_(pc.invert(number), dates)).as_py():
        return _nothing(len(values))  # 20170131: a date without dashes
    return _of_numbers(pc.if_else(number, values, None).cast(pa.float64()), name, path)


def _by_form(values: Any, form: str, name: str, path: str, order: str | None) -> Times:
    parts = pc.extract_regex(values, _FORMS[form])
    hit = np.asarray(parts.is_valid())
    if not hit.any():
        return _nothing(len(values))
    fields = {f.name: pc.struct_field(parts, f.name) for f in parts.type}
    if form == "slash":
        month, day = _day_month(fields, hit, name, path, order)
    else:
        day, month = _ints(fields["d"]), _months(fields["mo"])
    year = _ints(fields["y"])
    if form == "slash":  # 5/1/24
        year = np.where(year < 100, year + np.where(year < 70, 2000, 1900), year)
    hour = _ints(fields["h"]) if "h" in fields else np.zeros_like(year)
    if "ap" in fields:
        half = np.asarray(pc.utf8_lower(pc.utf8_slice_codeunits(fields["ap"].fill_null(""), 0, 1)))
        hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
    minute = _ints(fields["mi"]) if "mi" in fields else np.zeros_like(year)
    second = _ints(fields["s"]) if "s" in fields else np.zeros_like(year)
    offset, known, named = _zones(fields["z"])
    us, valid = civil(year, month, day, hour, minute, second)
    us = us + _fraction(fields.get("f"), len(us)) - offset * US
    ok = hit & valid & known & (us >= EARLIEST) & (us < LATEST)
    tick = np.where(
        _given(fields.get("s"), len(us)), 1, np.where(_given(fields.get("h"), len(us)), MINUTE, DAY)
    ).astype(np.int32)
    bare = bool((ok & ~named & (tick < DAY)).any())
    return Times(np.where(ok, us, 0), ok, tick, _ASSUMED if bare else ())


def _given(strings: Any, n: int) -> Bool:
    if strings is None:
        return np.zeros(n, np.bool_)
    return np.asarray(pc.not_equal(strings.fill_null(""), ""))


def _ints(strings: Any) -> I64:
    filled = strings.fill_null("")
    return np.asarray(pc.if_else(pc.equal(filled, ""), "0", filled).cast(pa.int64()))


def _months(strings: Any) -> I64:
    coded = strings.fill_null("").dictionary_encode()
    table = [
        int(word) if word.isdigit() else _MONTHS.get(word[:3].lower(), 0)
        for word in coded.dictionary.to_pylist()
    ]
    month: I64 = np.array(table or [0], np.int64)[np.asarray(coded.indices)]
    return month


def _zones(strings: Any) -> tuple[I64, Bool, Bool]:
    """Offsets in seconds, whether each is known, whether one was named at all."""
    coded = strings.fill_null("").dictionary_encode()
    words = coded.dictionary.to_pylist()
    at = np.asarray(coded.indices)
    offsets = [_offset(word) for word in words]
    known = np.array([o is not None for o in offsets], np.bool_)[at]
    return np.array([o or 0 for o in offsets], np.int64)[at], known, np.array(words)[at] != ""


def _offset(word: str) -> int | None:
    if word[:1] in {"+", "-"}:
        digits = word[1:].replace(":", "").ljust(4, "0")
        return (int(digits[:2]) * HOUR + int(digits[2:]) * MINUTE) * (-1 if word[0] == "-" else 1)
    hours = _NAMED_ZONES.get(word.lower()) if word else 0
    return None if hours is None else hours * HOUR


def _fraction(strings: Any, n: int) -> I64:
    if strings is None:
        return np.zeros(n, np.int64)
    six = pc.utf8_slice_codeunits(pc.utf8_rpad(strings.fill_null(""), 6, "0"), 0, 6)
    return np.asarray(six.cast(pa.int64()))


def civil(y: I64, mo: I64, d: I64, h: I64, mi: I64, s: I64) -> tuple[I64, Bool]:
    """(µs since 1970, whether there is such a moment) of years, months, days, hours …: (n,)."""
    fits = (y >= 1970) & (y < 2100) & (mo >= 1) & (mo <= 12) & (d >= 1) & (h < 24) & (mi < 60)
    fits &= s <= 60
    months = np.where(fits, (y - 1970) * 12 + mo - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + d - 1
    fits &= days < (months + 1).astype("datetime64[D]").astype(np.int64)
    return ((days * 24 + h) * 60 + mi) * 60 * US + s * US, fits


def _day_month(
    fields: dict[str, Any], hit: Bool, name: str, path: str, order: str | None
) -> tuple[I64, I64]:
    """(month, day) of a column with slashes: one order for all, never guessed."""
    a, b = _ints(fields["a"]), _ints(fields["b"])
    day_first, month_first = bool((a[hit] > 12).any()), bool((b[hit] > 12).any())
    if order is None and day_first and month_first:
        raise InputError(
            "dates with the day first and with the month first are mixed; write them as YYYY-MM-DD",
            path=path,
            column=name,
        )
    if order is None and not day_first and not month_first:
        raise InputError(
            "day and month cannot be told apart in any row; say which comes first with "
            f"--map time:dmy={name} or --map time:mdy={name}",
            path=path,
            column=name,
        )
    if order == "dmy" or (order is None and day_first):
        return b, a
    return a, b
