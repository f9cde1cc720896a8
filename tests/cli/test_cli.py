"""The command line: exit codes, what goes where, and that hostile posts stay text."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from klieg import cli

ESC = "\x1b"


class Ended:
    """How one call of the command line ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ended]


@pytest.fixture
def klieg(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """The command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["klieg", *words])
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


def write_posts(path: Path, *, n: int = 60, text: str = "hello from") -> Path:
    rows = [
        {
            "id": str(i),
            "author": f"account{i % 12}",
            "created_at": f"2026-03-02T{i // 60:02}:{i % 60:02}:07Z",
            "text": f"{text} number {i} about something quite different {i * 7}",
        }
        for i in range(n)
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def test_cli_help_lists_every_verb_with_its_own_words(klieg: Run) -> None:
    ended = klieg("--help")
    assert ended.code == 0
    for verb in cli.VERBS:
        assert verb in ended.out
    assert "does not say who runs an account" in " ".join(ended.out.split())


@pytest.mark.parametrize("verb", sorted(cli.VERBS))
def test_cli_every_verb_teaches(klieg: Run, verb: str) -> None:
    ended = klieg(verb, "--help")
    assert ended.code == 0
    assert "Usage: klieg" in ended.out


def test_cli_unknown_verb_names_the_nearest(klieg: Run) -> None:
    ended = klieg("scna", "x")
    assert ended.code == 2
    assert "'scan'" in ended.err


def test_cli_scan_writes_case_report_and_run(klieg: Run, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl")
    ended = klieg("scan", "posts.jsonl")
    assert ended.code == 0, ended.err
    for name in ("posts.klieg", "posts.klieg.parquet", "posts.report.html", "posts.run.json"):
        assert (tmp_path / name).is_file(), name
    assert "No group stands" in ended.out
    assert "Unreviewed" in ended.out
    assert ESC not in ended.out + ended.err


def test_cli_scan_json_is_one_document_on_stdout(klieg: Run, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl")
    ended = klieg("scan", "posts.jsonl", "--json", "--no-report")
    assert ended.code == 0, ended.err
    document = json.loads(ended.out)
    assert {"schema_version", "run", "totals", "findings"} <= set(document)
    assert not (tmp_path / "posts.report.html").exists()


def test_cli_scan_refuses_to_replace_a_case(klieg: Run, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl")
    assert klieg("scan", "posts.jsonl").code == 0
    again = klieg("scan", "posts.jsonl")
    assert again.code == 5
    assert "--force" in again.err
    assert klieg("scan", "posts.jsonl", "--force").code == 0


def test_cli_dry_run_writes_nothing(klieg: Run, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl")
    ended = klieg("scan", "--dry-run", "posts.jsonl")
    assert ended.code == 0, ended.err
    assert "author" in ended.out
    assert [p.name for p in tmp_path.iterdir()] == ["posts.jsonl"]


def bad_inputs(folder: Path) -> dict[str, Path]:
    """Every kind of input that cannot be posts, by name."""
    made = {
        "missing": folder / "nothing.jsonl",
        "directory": folder / "folder",
        "empty": folder / "empty.jsonl",
        "binary": folder / "binary.jsonl",
        "columns": folder / "columns.csv",
        "ambiguous dates": folder / "dates.csv",
        "all cut": folder / "cut.jsonl",
    }
    made["directory"].mkdir()
    made["empty"].write_bytes(b"")
    made["binary"].write_bytes(bytes(range(256)) * 64)
    made["columns"].write_text("colour,shape\nred,round\n", encoding="utf-8")
    dates = "".join(f"a{i},{i % 12 + 1:02}/{i % 7 + 1:02}/2026 10:00,hello\n" for i in range(40))
    made["ambiguous dates"].write_text("author,created_at,text\n" + dates, encoding="utf-8")
    made["all cut"].write_text('{"id": "1", "text": "x\n' * 30, encoding="utf-8")
    return made


@pytest.mark.parametrize(
    "kind", ["missing", "directory", "empty", "binary", "columns", "ambiguous dates", "all cut"]
)
def test_cli_bad_input_ends_with_3_and_says_what_and_where(
    klieg: Run, tmp_path: Path, kind: str
) -> None:
    path = bad_inputs(tmp_path)[kind]
    ended = klieg("scan", str(path))
    assert ended.code == 3, ended.err
    assert path.name in ended.err
    assert "Traceback" not in ended.err
    assert not list(tmp_path.glob("*.klieg"))


def test_cli_some_bad_rows_are_quarantined_and_counted(klieg: Run, tmp_path: Path) -> None:
    path = write_posts(tmp_path / "posts.jsonl", n=400)
    with path.open("ab") as file:
        file.write(b'{"id": "cut short", "tex\n')
    ended = klieg("scan", "posts.jsonl")
    assert ended.code == 0, ended.err
    assert "1 rows could not be read" in ended.out
    assert len((tmp_path / "posts.quarantine.jsonl").read_text("utf-8").splitlines()) == 1


def test_cli_too_many_bad_rows_end_with_3_and_keep_the_quarantine(
    klieg: Run, tmp_path: Path
) -> None:
    path = write_posts(tmp_path / "posts.jsonl", n=20)
    with path.open("ab") as file:
        file.write(b'{"id": "cut short", "tex\n' * 5)
    ended = klieg("scan", "posts.jsonl")
    assert ended.code == 3
    assert not (tmp_path / "posts.klieg").exists()
    assert (tmp_path / "posts.quarantine.jsonl").exists()
    assert klieg("scan", "posts.jsonl", "--max-bad", "0.5").code == 0


def test_cli_reads_standard_input_and_gzip(tmp_path: Path) -> None:
    path = write_posts(tmp_path / "posts.jsonl")
    packed = gzip.compress(path.read_bytes(), mtime=0)
    done = subprocess.run(
        [sys.executable, "-m", "klieg", "scan", "-", "-o", "out.klieg", "--no-report", "--json"],
        input=packed,
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["posts"] == 60


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("scan",), 2),
        (("scan", "posts.jsonl", "--map", "nonsense"), 2),
        (("scan", "posts.jsonl", "--false-alarms", "7"), 5),
        (("scan", "posts.jsonl", "--signals", "repots"), 5),
        (("scan", "posts.jsonl", "--engine", "cpuu"), 5),
        (("scan", "posts.jsonl", "-o", "no/such/folder/x.klieg"), 5),
        (("show", "nothing.klieg"), 4),
        (("export", "nothing.klieg", "-o", "x.json"), 4),
        (("replay", "nothing.run.json"), 4),
    ],
)
def test_cli_exit_codes(klieg: Run, tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    write_posts(tmp_path / "posts.jsonl")
    ended = klieg(*words)
    assert ended.code == code, ended.err
    assert ended.err.strip()
    assert "Traceback" not in ended.err


def test_cli_replay_proves_the_same_bytes(klieg: Run, tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl")
    assert klieg("scan", "posts.jsonl", "--seed", "3").code == 0
    again = klieg("replay", "posts.run.json")
    assert again.code == 0, again.out + again.err
    assert "same bytes" in again.out


def test_cli_replay_notices_a_changed_input(klieg: Run, tmp_path: Path) -> None:
    path = write_posts(tmp_path / "posts.jsonl")
    assert klieg("scan", "posts.jsonl").code == 0
    path.write_text(path.read_text("utf-8").replace("hello", "hallo"), encoding="utf-8")
    again = klieg("replay", "posts.run.json")
    assert again.code == 3
    assert "changed" in again.err


def test_cli_prints_posts_as_text(klieg: Run, tmp_path: Path) -> None:
    hostile = f"{ESC}[2J{ESC}]0;owned\x07 \u202egnp.exe [bold]markup[/bold]"
    write_posts(tmp_path / "posts.jsonl", text=hostile)
    for words in (("scan", "posts.jsonl", "--dry-run"), ("scan", "posts.jsonl")):
        ended = klieg(*words)
        assert ended.code == 0, ended.err
        assert ESC not in ended.out
        assert "\x07" not in ended.out
        assert "\u202e" not in ended.out


def test_cli_config_says_where_values_come_from(
    klieg: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "klieg.toml").write_text("shuffles = 3\n", encoding="utf-8")
    monkeypatch.setenv("KLIEG_SEED", "9")
    values = json.loads(klieg("config", "--json").out)
    assert values["shuffles"] == {**values["shuffles"], "value": 3, "from": "klieg.toml"}
    assert values["seed"]["value"] == 9
    assert values["seed"]["from"] == "environment"
    assert values["false_alarms"]["from"] == "default"


def test_cli_simulate_scan_evaluate_show_export(klieg: Run, tmp_path: Path) -> None:
    """The whole way as a user would walk it, on a small world."""
    assert klieg("simulate", "world.parquet", "--accounts", "1200", "--seed", "5").code == 0
    assert klieg("scan", "world.parquet", "-q").code == 0
    scores = klieg("evaluate", "world.klieg", "world.truth.json", "--json")
    assert scores.code == 0, scores.err
    shown = json.loads(klieg("show", "world.klieg", "--json").out)
    found = [f for f in shown["findings"] if f["class"] == "coordinated"]
    assert found, "a world with planted campaigns yields a coordinated finding"
    one = klieg("show", "world.klieg", found[0]["id"])
    assert one.code == 0
    assert "What speaks against it" in one.out
    assert klieg("show", "world.klieg", "f-000000000000").code == 4
    rows = klieg("export", "world.klieg", "--finding", found[0]["id"])
    assert rows.code == 0
    assert len(rows.out.splitlines()) > len(found[0]["accounts"])
    a, b = found[0]["accounts"][:2]
    assert klieg("export", "world.klieg", "--edge", str(a), str(b), "-o", "edge.csv").code == 0
    for suffix in ("json", "csv", "parquet", "gexf", "graphml", "html"):
        ended = klieg("export", "world.klieg", "-o", f"out.{suffix}")
        assert ended.code == 0, ended.err
        assert (tmp_path / f"out.{suffix}").stat().st_size > 200
    failing = klieg("scan", "world.parquet", "-q", "--force", "--no-report", "--fail-on", "notable")
    assert failing.code == 6


def test_cli_demo_compares_with_the_truth(klieg: Run, tmp_path: Path) -> None:
    """The newcomer's first command, on a smaller world."""
    ended = klieg("demo", "--accounts", "800", "--days", "7", "--json")
    assert ended.code == 0, ended.err
    scores = json.loads(ended.out)
    assert scores["accounts_precision"] >= 0.95
    assert sum(c["class_"] == "coordinated" for c in scores["campaigns"]) >= 3
    assert all(x["verdict"] != "called coordinated" for x in scores["look_alikes"])
    for name in ("demo.klieg", "demo.report.html", "demo.posts.jsonl", "demo.run.json"):
        assert (tmp_path / name).is_file(), name
    told = klieg("demo", "--accounts", "800", "--days", "7", "--quiet-world")
    assert told.code == 0
    assert "Against the truth of this simulated world" in told.out
    assert " coordinated  " not in told.out


def test_cli_share_writes_no_id_of_the_input(klieg: Run, tmp_path: Path) -> None:
    assert klieg("simulate", "world.parquet", "--accounts", "800", "--seed", "3").code == 0
    ended = klieg("scan", "world.parquet", "--share", "--json", "--report", "shared.html")
    assert ended.code == 0, ended.err
    kept = json.loads(klieg("show", "world.klieg", "--json").out)
    accounts = {str(a) for f in kept["findings"] for a in f["accounts"]}
    assert accounts, "the world has findings, so there is something to hide"
    page = (tmp_path / "shared.html").read_text("utf-8")
    for account in accounts:
        assert account not in ended.out
        assert account not in page


def test_cli_doctor_names_libraries_and_plugins(klieg: Run) -> None:
    found = json.loads(klieg("doctor", "--json").out)
    assert found["numba"] != "missing"
    assert "repost" in found["signals"]
    assert "reference" in found["engines"]
    assert found["compiled code"]


def test_cli_input_without_posts_ends_with_3(klieg: Run, tmp_path: Path) -> None:
    table = pa.table({"author": pa.array([], pa.string()), "created_at": [], "text": []})
    pq.write_table(table, tmp_path / "none.parquet")
    likes = {"did": "did:plc:a", "time_us": 1772445600000000, "kind": "identity", "identity": {}}
    (tmp_path / "likes.jsonl").write_text(f"{json.dumps(likes)}\n" * 9, encoding="utf-8")
    for name in ("none.parquet", "likes.jsonl"):
        ended = klieg("scan", name)
        assert ended.code == 3, ended.out
        assert name in ended.err
        assert "Traceback" not in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child process on Windows")
def test_cli_interrupt_ends_with_130_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    write_posts(tmp_path / "posts.jsonl", n=40_000)
    before = sorted(p.name for p in tmp_path.iterdir())
    child = subprocess.Popen(
        [sys.executable, "-m", "klieg", "scan", "posts.jsonl"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that started the tests in the background may have told children to ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    assert child.stderr is not None
    assert "reading" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_cli_history_follows_a_group_through_cases(klieg: Run, tmp_path: Path) -> None:
    for name, seed in (("later", 1), ("world", 1)):
        world = tmp_path / f"{name}.parquet"
        klieg("simulate", str(world), "--accounts", "300", "--days", "4", "--seed", str(seed))
        klieg("scan", str(world), "-o", str(tmp_path / f"{name}.klieg"), "--no-report", "-q")
    cases = [str(tmp_path / f"{name}.klieg") for name in ("later", "world")]
    ended = klieg("history", *cases)
    assert ended.code == 0
    assert "born" in ended.out
    told = json.loads(klieg("history", "--json", *cases).out)
    assert [c["case"] for c in told["cases"]] == ["later", "world"]
    shown = json.loads(klieg("show", "--json", cases[0]).out)["findings"]
    names = {s["name"] for g in told["groups"] for s in g["steps"] if s["window"] == 0}
    assert names - {""} == {f["id"] for f in shown}
    # the same posts again: every group goes on as it was
    assert all(g["steps"][-1]["state"] == "steady" for g in told["groups"])
    assert all(f["history"][0]["state"] == "born" for f in shown)
    one = klieg("show", cases[0], shown[0]["id"])
    assert "History: " in one.out
    assert klieg("history", str(tmp_path / "none.klieg")).code == 4
