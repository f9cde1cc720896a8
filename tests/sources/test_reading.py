"""From names to posts: recognition, several inputs at once, and an account of every row."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klieg.errors import InputError, KliegError
from klieg.sockets import factory, names
from klieg.sources import open_input, preview, read, recognise
from klieg.sources.reading import REMOVED
from klieg.tables import Intake

GOOD = "id,user,created_at,text\n1,ada,2024-05-01T10:00:00Z,hello\n2,bob,2024-05-01T10:00:07Z,hi\n"


def accounted(intake: Intake) -> int:
    removed = sum(intake.counts.get(k, 0) for k in REMOVED)
    others = sum(n for k, n in intake.counts.items() if k.startswith("not_a_post_"))
    acts = sum(n for k, n in intake.counts.items() if k.startswith("act_"))
    return intake.posts + acts + removed + others + sum(intake.rejected.values())


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_reading_every_source_reads_its_own_examples(tmp_path: Path) -> None:
    for name in names("sources"):
        source = factory("sources", name)(None)
        assert source.examples(), f"{name} shows no example"
        for i, example in enumerate(source.examples()):
            path = write(tmp_path / f"{name}-{i}.txt", example)
            assert recognise(open_input(path)).name == name
            posts, intake = read([path])
            assert posts.n + posts.n_acts > 0
            assert intake.rows == accounted(intake)
            assert not intake.rejected


def test_reading_what_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    cases = {
        str(tmp_path / "none.csv"): "no such file",
        str(tmp_path / "folder"): "a folder",
        write(tmp_path / "empty.csv", ""): "empty",
        write(tmp_path / "empty.csv.gz", gzip.compress(b"")): "empty",
        write(tmp_path / "binary.csv", bytes(range(256)) * 40): "not text",
        write(tmp_path / "book.xlsx", b"PK\x03\x04" + b"x" * 99): "zip archive",
        write(tmp_path / "a.db", b"SQLite format 3\0" + b"x" * 99): "SQLite",
        write(tmp_path / "a.parquet", b"PAR1" + b"x" * 99): "Parquet file that is cut short",
        write(tmp_path / "twice.gz", gzip.compress(gzip.compress(b"x"))): "packed twice",
        "bad\0name": "no such file",
    }
    for path, words in cases.items():
        with pytest.raises(InputError, match=words) as refused:
            read([path])
        assert refused.value.exit_code == 3


def test_reading_compression_is_told_by_bytes_not_by_name(tmp_path: Path) -> None:
    packed = {
        "a.csv": gzip.compress(GOOD.encode()),
        "b.gz": GOOD.encode(),
        "c.txt": zstandard.ZstdCompressor().compress(GOOD.encode()),
        "d.csv": zstandard.ZstdCompressor().compress(GOOD[:40].encode())
        + zstandard.ZstdCompressor().compress(GOOD[40:].encode()),
        "e.csv": gzip.compress(GOOD[:40].encode()) + gzip.compress(GOOD[40:].encode()),
    }
    for name, content in packed.items():
        posts, _ = read([write(tmp_path / name, content)])
        assert posts.table["post_id"].to_pylist() == ["1", "2"], name


def test_reading_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(gzip.compress(GOOD.encode()))

    monkeypatch.setattr(sys, "stdin", Piped)
    posts, intake = read(["-"])
    assert posts.n == 2
    assert posts.table["source_file"].to_pylist() == ["stdin", "stdin"]
    assert intake.inputs[0]["path"] == "-"


def test_reading_several_inputs_of_several_formats_at_once(tmp_path: Path) -> None:
    frame = {
        "did": "did:plc:a",
        "time_us": 1714557600000001,
        "kind": "commit",
        "commit": {
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": "3k",
            "record": {"text": "sky"},
        },
    }
    names_ = [
        write(tmp_path / "a.csv", GOOD),
        write(tmp_path / "b.jsonl", json.dumps(frame) + "\n"),
        write(tmp_path / "c.csv", GOOD.replace("\n1,", "\n3,").replace("\n2,", "\n4,")),
    ]
    posts, intake = read(names_)
    assert [i["format"] for i in intake.inputs] == ["tabular", "jetstream", "tabular"]
    # the same accounts in both generic files, whose rows repeat each other's minute and text
    assert posts.n == 3
    assert sorted(posts.account_ids.to_pylist()) == ["ada", "bob", "did:plc:a"]
    assert intake.counts["duplicate_text"] == 2
    assert intake.rows == accounted(intake) == 5


def test_reading_files_of_one_name_keep_their_rows_apart(tmp_path: Path) -> None:
    for folder, text in (("one", "first"), ("two", "second")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "p.csv", f"user,time,text\nada,1714557600,{text}\n")
    posts, _ = read([str(tmp_path / f / "p.csv") for f in ("one", "two")])
    assert sorted(posts.table["post_id"].to_pylist()) == ["row:p.csv#2:1", "row:p.csv:1"]


def test_reading_unknown_formats_list_the_candidates(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "just a letter, to a friend\nwith two lines\n")
    with pytest.raises(InputError, match=r"--format|--map"):
        read([path])
    with pytest.raises(KliegError, match="tabular"):
        read([path], format="tabulr")


def test_reading_too_many_bad_rows_fail_and_leave_the_quarantine(tmp_path: Path) -> None:
    bad = GOOD + "3,ada,yesterday,x\n"
    with pytest.raises(InputError, match="1 of 3 rows could not be read"):
        read([write(tmp_path / "a.csv", bad)], quarantine=tmp_path / "q.jsonl")
    row = json.loads((tmp_path / "q.jsonl").read_text())
    assert row == {
        "path": "a.csv",
        "line": 3,
        "column": "created_at",
        "value": "yesterday",
        "reason": "no_readable_time",
    }
    posts, intake = read([str(tmp_path / "a.csv")], max_bad=0.5)
    assert (posts.n, dict(intake.rejected)) == (2, {"no_readable_time": 1})


def test_reading_leaves_no_quarantine_when_all_is_well(tmp_path: Path) -> None:
    stale = tmp_path / "q.jsonl"
    stale.write_text("{}\n")
    read([write(tmp_path / "a.csv", GOOD)], quarantine=stale)
    assert not stale.exists()


def test_reading_describes_each_input(tmp_path: Path) -> None:
    _, intake = read([write(tmp_path / "a.csv", GOOD)])
    described = dict(intake.inputs[0])
    assert described["path"] == "a.csv"
    assert described["rows"] == 2
    assert len(str(described["sha256"])) == 64
    assert described["mapping"] == {
        "account_id": "user",
        "post_id": "id",
        "text": "text",
        "time": "created_at",
    }


def test_reading_a_mapping_that_nothing_used_is_mentioned(tmp_path: Path) -> None:
    example = factory("sources", "jetstream")(None).examples()[0]
    _, intake = read([write(tmp_path / "a.jsonl", example)], mapping={"text": "body"})
    assert any("--format tabular" in note for note in intake.notes)


def test_reading_preview_shows_how_it_would_be_read(tmp_path: Path) -> None:
    shown = preview([write(tmp_path / "a.csv", GOOD + "3,ada,yesterday,x\n")], rows=1)[0]
    assert (shown["format"], shown["looked_at"]) == ("tabular", 3)
    assert shown["mapping"]["text"] == "text"
    assert shown["rejected"] == {"no_readable_time": 1}
    assert len(shown["rows"]) == 1


def test_reading_preview_of_a_refused_file_carries_the_reason(tmp_path: Path) -> None:
    shown = preview([write(tmp_path / "a.csv", "a,b\n1,2\n")])[0]
    assert "--map" in shown["error"]


def test_reading_preview_loads_no_heavy_library(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", GOOD)
    script = (
        "import sys; from klieg.sources import preview; preview([sys.argv[1]]);"
        "print(','.join(sorted({'numba', 'duckdb', 'scipy', 'networkx'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


LINE: st.SearchStrategy[str] = st.one_of(
    st.builds(
        lambda i, u, t, x: json.dumps({"id": str(i), "user": u, "time": t, "text": x}),
        st.integers(1, 5),
        st.sampled_from(["ada", "bob", None]),
        st.sampled_from([1714557600, 1714557661, "soon", None]),
        st.sampled_from(["a", "b", "", None]),
    ),
    st.sampled_from(['{"torn": ', "[1, 2]", "7", '"word"', "null", "", "   ", "{}", "\ud7ff"]),
)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(LINE, min_size=1, max_size=12))
def test_reading_every_line_is_accounted_for(lines: list[str], tmp_path: Path) -> None:
    first = '{"id": "0", "user": "zoe", "time": 1714557000, "text": "first"}'
    path = write(tmp_path / "a.jsonl", "\n".join([first, *lines]) + "\n")
    _, intake = read([path], max_bad=1.0)
    assert intake.rows == accounted(intake) == 1 + sum(bool(line.strip()) for line in lines)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_reading_damaged_bytes_end_in_posts_or_a_sentence(
    data: st.DataObject, tmp_path: Path
) -> None:
    examples = [e for n in names("sources") for e in factory("sources", n)(None).examples()]
    raw = bytearray(data.draw(st.sampled_from(examples)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "double", "insert"])):
            case "flip":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 30))]
            case "double":
                raw[at:at] = raw[at : at + 40]
            case _:
                raw[at:at] = data.draw(st.sampled_from([b'"', b"\0", b"\n", b"{", b",", b"\xff"]))
        if not raw:
            raw = bytearray(b"x")
    path = write(tmp_path / "a.bin", bytes(raw))
    try:
        _, intake = read([path], max_bad=1.0)
    except KliegError:
        return
    assert intake.rows == accounted(intake)


def test_reading_the_fastest_formats_agree_with_their_packed_forms(tmp_path: Path) -> None:
    def outcome(path: str) -> list[dict[str, Any]]:
        return read([path])[0].table.drop_columns(["source_file"]).to_pylist()

    for name in names("sources"):
        example = factory("sources", name)(None).examples()[0]
        plain = outcome(write(tmp_path / "p", example))
        assert plain == outcome(write(tmp_path / "p.gz", gzip.compress(example)))
