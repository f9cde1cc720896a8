"""Packed streams: whatever happens to them on the way, what stands before the damage is had."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.sources.inputs import _Broken, _gzip_pieces

DATA = st.binary(max_size=3000) | st.text("ab,\n1", max_size=3000).map(str.encode)


def unpacked(raw: bytes) -> tuple[bytes, str]:
    found = b""
    try:
        for piece in _gzip_pieces(io.BytesIO(raw)):
            found += piece
    except _Broken as broken:
        return found, str(broken)
    return found, ""


@given(st.lists(DATA, min_size=1, max_size=3), st.integers(0, 3))
def test_gzip_members_follow_each_other_with_padding_between(
    parts: list[bytes], padding: int
) -> None:
    raw = (b"\0" * padding).join(gzip.compress(part) for part in parts) + b"\0" * padding
    assert unpacked(raw) == (b"".join(parts), "")


@given(DATA, st.data())
def test_gzip_cut_short_gives_what_zlib_can_give(whole: bytes, data: st.DataObject) -> None:
    raw = gzip.compress(whole)
    cut = raw[: data.draw(st.integers(1, len(raw) - 1))]
    found, why = unpacked(cut)
    assert "cut short" in why
    assert found == zlib.decompressobj(31).decompress(cut)


@given(DATA.filter(len), st.data())
def test_gzip_damage_in_its_check_costs_nothing_before(whole: bytes, data: st.DataObject) -> None:
    raw = bytearray(gzip.compress(whole))
    raw[-data.draw(st.integers(1, 8))] ^= 1 << data.draw(st.integers(0, 7))
    found, why = unpacked(bytes(raw))
    assert "damaged" in why
    assert found == whole


@pytest.mark.parametrize("tail", [b"junk", b"\x1f\x8bno"])
def test_gzip_other_bytes_behind_are_damage_not_posts(tail: bytes) -> None:
    found, why = unpacked(gzip.compress(b"a,b\n") + tail)
    assert found == b"a,b\n"
    assert "damaged" in why
