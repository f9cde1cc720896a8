"""Typed records: what is checked, what a wrong field costs, and that nothing ever raises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.sources import open_input
from klieg.sources.desk import Desk
from klieg.sources.formats import Format
from klieg.sources.platforms import bluesky, gnip, jetstream, mastodon, reddit, telegram, x_v1
from klieg.sources.typed import count, ident
from klieg.tables import Reject

FORMATS = [bluesky, gnip, jetstream, mastodon, reddit, x_v1]


def taken(
    source: Format, content: bytes, folder: Path
) -> tuple[list[dict[str, Any]], Desk, list[Reject]]:
    path = folder / "a.jsonl"
    path.write_bytes(content)
    rejects: list[Reject] = []
    desk = Desk("a.jsonl", rejects.append)
    rows = [r for b in source.read(open_input(str(path)), {}, desk) for r in b.to_pylist()]
    rows += [r for b in desk.acts for r in b.to_pylist()]
    assert desk.rows == len(rows) + len(rejects) + sum(desk.skipped.values())
    return rows, desk, rejects


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", "7"),
        ("", None),
        (None, None),
        (2**60 + 1, str(2**60 + 1)),
        (7.0, "7"),
        (7.5, None),
        (2.0**53, None),
        (True, None),
        ({"a": 1}, None),
    ],
)
def test_typed_ids_are_whole_or_none(value: object, expected: str | None) -> None:
    assert ident(value) == expected


def test_typed_counts_are_never_made_up() -> None:
    given_ = (3, 0, -1, None, "3", 3.0, True, 2**63)
    assert [count(v) for v in given_] == [3, 0, None, None, None, None, None, None]


def test_typed_a_wrong_field_is_told_with_its_path_and_value(tmp_path: Path) -> None:
    sample = json.loads(x_v1.source.examples()[0].splitlines()[1])
    sample["retweeted_status"]["user"]["id_str"] = ["7"]
    rows, _, rejects = taken(x_v1.source, json.dumps(sample).encode() + b"\n", tmp_path)
    assert not rows
    (reject,) = rejects
    assert (reject.path, reject.line, reject.reason) == ("a.jsonl", 1, "wrong_shape")
    assert (reject.column, reject.value) == ("retweeted_status.user.id_str", "['7']")


def test_typed_a_wrong_field_in_a_list_is_told_with_its_place(tmp_path: Path) -> None:
    post = {"uri": "at://d/c/r", "author": {"did": "did:a"}, "indexedAt": "2024-05-01T10:00:00Z"}
    odd = {**post, "record": {"text": "x", "facets": [{"features": []}, {"features": [7]}]}}
    page = {"posts": [{**post, "record": {"text": "kept"}}, odd]}
    rows, _, rejects = taken(bluesky.source, json.dumps(page).encode() + b"\n", tmp_path)
    assert [r["text"] for r in rows] == ["kept"]
    assert [(r.column, r.value) for r in rejects] == [("record.facets[1].features[0]", "7")]


@pytest.mark.parametrize("line", [b"[1]", b"7", b'"x"', b"null", b"{", b"{}garbage", b"\x00\x01"])
def test_typed_lines_that_are_no_objects(tmp_path: Path, line: bytes) -> None:
    content = x_v1.source.examples()[0] + line + b"\n"
    rows, _, rejects = taken(x_v1.source, content, tmp_path)
    assert len(rows) == 2
    assert rejects[0].line == 3


def test_typed_half_characters_nul_and_other_encodings_are_mended(tmp_path: Path) -> None:
    good = x_v1.source.examples()[0].splitlines()[0]
    odd = [
        good.replace(b"hello", b"a\\ud83d b"),
        good.replace(b"hello", b"a\\u0000b"),
        good.replace(b"hello", "Grüße".encode("cp1252")),
        good.replace(b"hello", "\u202eשלום\u200f مرحبا".encode()),
    ]
    rows, desk, rejects = taken(x_v1.source, b"\n".join([good, *odd]) + b"\n", tmp_path)
    assert not rejects
    assert [r["text"] for r in rows][3:] == ["Grüße", "\u202eשלום\u200f مرحبا"]
    assert rows[1]["text"] == "a\ufffd b"
    assert any("Windows-1252" in note for note in desk.notes)


def test_typed_bottomless_and_endless_lines_cost_themselves(tmp_path: Path) -> None:
    good = x_v1.source.examples()[0].splitlines()[0]
    deep = good[:-1] + b',"quoted_status":' + b'{"quoted_status":' * 99 + b"{}" + b"}" * 100
    long = good.replace(b"hello", b"x" * (9 << 20))
    rows, _, rejects = taken(x_v1.source, b"\n".join([good, deep, long, good]) + b"\n", tmp_path)
    assert len(rows) == 2
    assert [r.reason for r in rejects] == ["nested_deeper_than_64", "line_longer_than_8_MiB"]


@pytest.mark.parametrize("module", FORMATS, ids=lambda m: m.__name__.rpartition(".")[2])
@pytest.mark.parametrize("kind", ["list", "lines"])
def test_typed_a_list_of_records_is_the_same_as_lines(
    module: Any, kind: str, tmp_path: Path
) -> None:
    for sample in module.source.examples():
        lines = sample.splitlines()
        content = b"[\n" + b",\n".join(lines) + b"\n]\n" if kind == "list" else sample
        assert module.source.sniff(content, "a") > 0.5
        rows, _, rejects = taken(module.source, content, tmp_path)
        plain, _, _ = taken(module.source, sample, tmp_path)
        assert [{**r, "source_row": 0} for r in rows] == [{**r, "source_row": 0} for r in plain]
        assert not rejects


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in [(*path, k), *leaves(v, (*path, k))]]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in [(*path, i), *leaves(v, (*path, i))]]
    return []


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["", "[deleted]", "at://", "http://[", "1/2/2024", "1e999", "9" * 400, "\ud800"]
    ),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none() | st.integers(), max_size=2),
)
RECORDS = [
    (module.source, json.loads(line))
    for module in FORMATS
    for sample in module.source.examples()
    for line in sample.splitlines()
]
RECORDS += [(telegram.source, json.loads(sample)) for sample in telegram.source.examples()]


@settings(max_examples=400)
@given(st.data())
def test_typed_any_field_may_hold_anything(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    source, record = data.draw(st.sampled_from(RECORDS))
    record = json.loads(json.dumps(record))
    for path in data.draw(st.lists(st.sampled_from(leaves(record)), min_size=1, max_size=2)):
        holder: Any = record
        try:
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = data.draw(ODD)
        except (KeyError, IndexError, TypeError):
            continue
    content = json.dumps(record).encode() + b"\n"
    folder = tmp_path_factory.mktemp("odd")
    rows, _, rejects = taken(source, content, folder)
    for row in rows:
        assert row["account_id"]
        assert row["time"] is not None
    for reject in rejects:
        assert reject.reason and reject.line >= 1
        assert reject.value is None or len(reject.value) <= 1000


def test_typed_every_format_names_its_platform(tmp_path: Path) -> None:
    """Accounts are keyed by platform and id; X's three formats, and Bluesky's two, share theirs."""
    seen = {
        module.source.name: {r["platform"] for r in taken(module.source, content, tmp_path)[0]}
        for module in [*FORMATS, telegram]
        for content in module.source.examples()[:1]
    }
    assert seen == {
        "bluesky": {"bluesky"},
        "gnip": {"x"},
        "jetstream": {"bluesky"},
        "mastodon": {"mastodon"},
        "reddit": {"reddit"},
        "telegram": {"telegram"},
        "x_v1": {"x"},
    }


def test_typed_a_page_is_opened_whatever_lies_in_it(tmp_path: Path) -> None:
    good = json.loads(x_v1.source.examples()[0].splitlines()[0])
    page = {"statuses": [good, 7, {**good, "id_str": "9", "user": 3}, None], "search_metadata": {}}
    rows, _, rejects = taken(x_v1.source, msgspec.json.encode(page) + b"\n", tmp_path)
    assert (len(rows), len(rejects)) == (1, 3)
    assert rejects[1].column == "[2].user"
