"""One run over files of many formats: each recognised by what is in it, all put together once."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from klieg.cli import verbs
from klieg.config import Config
from klieg.sockets import factory, names
from klieg.sources import preview, read
from klieg.sources.reading import REMOVED

# what an analyst has on one story: exports of six tools, named without a hint, two of them packed
FORMATS = ("crowdtangle", "fourcat", "x_v2", "youtube", "community_notes", "zeeschuimer", "rtweet")


def examples(folder: Path) -> dict[str, list[str]]:
    """Every example of every installed format as a file, by format."""
    made: dict[str, list[str]] = {}
    for name in names("sources"):
        for i, content in enumerate(factory("sources", name)(Config()).examples()):
            path = folder / f"{len(made)}-{i}.dat"
            path.write_bytes(content)
            made.setdefault(name, []).append(str(path))
    return made


def test_several_formats_each_is_named_in_the_intake(tmp_path: Path) -> None:
    made = examples(tmp_path)
    files = [(path, name) for name in FORMATS for path in made[name]]
    posts, intake = read([path for path, _ in files])
    assert [i["format"] for i in intake.inputs] == [name for _, name in files]
    assert all(i["rows"] and len(str(i["sha256"])) == 64 for i in intake.inputs)
    places = set(posts.account_platforms.to_pylist())
    assert {"facebook", "instagram", "x", "youtube", "community_notes", "tiktok"} <= places
    assert len(set(posts.table["source_file"].to_pylist())) > len(FORMATS)


def test_several_formats_all_at_once_are_the_sum_of_each(tmp_path: Path) -> None:
    made = examples(tmp_path)
    every = [path for paths in made.values() for path in paths]
    alone = [read([path]) for path in every]
    posts, intake = read(every)
    assert intake.rows == sum(i.rows for _, i in alone)
    assert not intake.rejected
    gone = sum(intake.counts.get(k, 0) for k in REMOVED)
    gone_alone = sum(i.counts.get(k, 0) for _, i in alone for k in REMOVED)
    assert posts.n + gone == sum(p.n for p, _ in alone) + gone_alone
    kinds = {k: n for k, n in intake.counts.items() if k.startswith("not_a_post_")}
    for kind, n in kinds.items():
        assert n == sum(i.counts.get(kind, 0) for _, i in alone)


def test_several_formats_their_order_changes_nothing_but_places(tmp_path: Path) -> None:
    made = examples(tmp_path)
    files = [path for name in FORMATS for path in made[name]]
    first, _ = read(files)
    random.Random(5).shuffle(files)
    second, _ = read(files)
    place = ["source_row", "source_file"]
    assert first.table.drop_columns(place).equals(second.table.drop_columns(place))
    assert first.account.tolist() == second.account.tolist()


def test_several_formats_one_post_told_by_three_tools_is_one_post(tmp_path: Path) -> None:
    text, when = "the same words", "2024-05-01T10:00:00Z"
    v2 = {"id": "31", "author_id": "7", "created_at": when, "text": text, "conversation_id": "31"}
    v1 = {
        "id_str": "31",
        "id": 31,
        "created_at": "Wed May 01 10:00:00 +0000 2024",
        "full_text": text,
        "user": {"id_str": "7", "screen_name": "ada"},
    }
    (tmp_path / "a").write_text(json.dumps(v2) + "\n")
    (tmp_path / "b").write_text(json.dumps(v1) + "\n")
    (tmp_path / "c").write_text(
        "id,thread_id,timestamp,unix_timestamp,link,body,author,author_id\n"
        f"31,31,2024-05-01 10:00:00,1714557600,https://x.com/ada/status/31,{text},ada,7\n"
    )
    (tmp_path / "d").write_text(
        '"user_id","status_id","created_at","screen_name","text","is_retweet"\n'
        f'"x7","x31","2024-05-01 10:00:00","ada","{text}",FALSE\n'
    )
    # the same words elsewhere are another post: platforms never share an account by accident
    (tmp_path / "e").write_text(
        f"COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS\n31,7,2024-05-01T10:00:00,{text},0\n"
    )
    posts, intake = read([str(tmp_path / name) for name in "abcde"])
    formats = [i["format"] for i in intake.inputs]
    assert formats == ["x_v2", "x_v1", "fourcat", "rtweet", "youtube"]
    assert (posts.n, posts.n_accounts) == (2, 2)
    assert dict(intake.counts) == {"duplicate_id": 3}
    assert sorted(posts.table["platform"].to_pylist()) == ["x", "youtube"]


def test_several_formats_a_format_given_by_name_holds_for_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,thread_id,author,body,timestamp\n1,1,ada,hello,1714557600\n"
    )
    (told,) = preview([str(tmp_path / "a.csv")])
    assert told["format"] == "fourcat"
    (told,) = preview([str(tmp_path / "a.csv")], format="tabular")
    assert (told["format"], told["mapping"]["account_id"]) == ("tabular", "author")


@pytest.mark.parametrize("dry", [False, True])
def test_several_formats_one_scan_on_the_command_line(tmp_path: Path, dry: bool) -> None:
    made = examples(tmp_path)
    files = [path for name in FORMATS for path in made[name]]
    output = tmp_path / "story.klieg"
    told = ["--dry-run"] if dry else ["-o", str(output), "--no-report", "--quiet", "--json"]
    result = CliRunner().invoke(verbs, ["scan", *files, *told])
    assert result.exit_code == 0, result.output
    if dry:
        assert all(name in result.output for name in FORMATS)
        assert not output.exists()
        return
    run = json.loads(result.stdout)["run"]
    expected = [name for name in FORMATS for _ in made[name]]
    assert [i["format"] for i in run["inputs"]] == expected
    assert output.exists()
