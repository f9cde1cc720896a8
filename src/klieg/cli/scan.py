"""``klieg scan``: posts in; a table, a case and a report out.

Thin over ``pipeline.scan``: it chooses names of files, shows progress and prints. It computes
nothing about posts.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from klieg.cli.options import config_of, knob_flags, mapping_of, output_flags, refuse_existing

if TYPE_CHECKING:
    from klieg.case import Case
    from klieg.config import Config
    from klieg.sockets import Progress

SUFFIXES = (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a scan writes."""

    case: Path
    report: Path | None
    quarantine: Path
    run: Path
    shards: Path  # where a run on a cluster keeps finished shards until the case stands


@click.command("scan")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The case [./NAME.klieg].")
@click.option(
    "--report", type=click.Path(path_type=Path), help="The HTML report [./NAME.report.html]."
)
@click.option("--no-report", is_flag=True, help="Write no report.")
@click.option("--share", is_flag=True, help="Report and JSON in the pseudonymised form.")
@click.option("--force", is_flag=True, help="Replace an existing case and report.")
@click.option("--format", "format_", metavar="NAME", help="The input's format [recognised].")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Name a column.")
@click.option("--dry-run", is_flag=True, help="Only say how the input would be read.")
@click.option(
    "--fail-on",
    type=click.Choice(["notable", "likely", "strong"]),
    help="Exit 6 if a coordinated finding has this band or a stronger one.",
)
@knob_flags
@output_flags
def command(inputs: tuple[str, ...], **flags: Any) -> None:
    """Find groups of accounts that act together more than chance, interest or news explain.

    INPUT is a file of posts, or of acts without text such as likes, in any known format (CSV, TSV,
    JSONL, Parquet; plain, .gz or .zst), or - for standard input; several are read as one data set.
    A quoted pattern ('dump/*.parquet', ** for folders) and files in a store (s3://, gs://) are read
    too. Prints a table of findings and writes NAME.klieg (the case), NAME.klieg.parquet (the
    posts), NAME.klieg.acts.parquet (acts, if any), NAME.run.json and NAME.report.html.

    \b
    klieg scan posts.jsonl
    klieg scan --dry-run export.csv --map text=body --map account_id=author
    zstdcat dump.jsonl.zst | klieg scan - -o dump.klieg --json
    klieg scan 's3://bucket/2026-05/*.parquet' -o may.klieg --engine ray
    """
    if flags["report"] and flags["no_report"]:
        raise click.UsageError("--report and --no-report exclude each other")
    mapping = mapping_of(flags["maps"])
    if flags["dry_run"]:
        _preview(inputs, flags["format_"], mapping, as_json=flags["as_json"])
        return
    config = config_of({k: flags[k] for k in _knobs(flags)})
    outputs = _outputs(inputs, flags)
    refuse_existing(
        [p for p in (outputs.case, outputs.report) if p is not None], force=flags["force"]
    )
    case = run(
        inputs,
        outputs,
        config,
        format_=flags["format_"],
        mapping=mapping,
        force=flags["force"],
        share=flags["share"],
        quiet=flags["quiet"] or flags["as_json"],
    )
    show(case, outputs, as_json=flags["as_json"], share=flags["share"])
    sys.exit(6 if flags["fail_on"] and _reaches(case, flags["fail_on"]) else 0)


def run(
    inputs: Any,
    outputs: Outputs,
    config: Config,
    *,
    format_: str | None = None,
    mapping: Mapping[str, str] | None = None,
    force: bool = False,
    share: bool = False,
    quiet: bool = False,
) -> Case:
    """Scan, save and report; returns the case as it stands on disk."""
    from klieg.case import write_run
    from klieg.case.export import export
    from klieg.cli.screen import told
    from klieg.pipeline import scan

    clock = _Stopwatch()
    with _resuming(config, outputs) as config, told(quiet=quiet) as progress:
        case = scan(
            inputs,
            config=config,
            format=format_,
            mapping=mapping,
            quarantine=outputs.quarantine,
            progress=clock.around(progress),
            command=sys.argv[1:],
            scratch=outputs.case.absolute().parent,
        )
        clock.around(progress)("writing the case", 0, None)
        case.save(outputs.case, force=force)
        if outputs.report:
            clock.around(progress)("writing the report", 0, None)
            export(case, outputs.report, share=share)
        write_run(outputs.run, case, clock.stop(), place=_place(config, case))
    return case


def _place(config: Config, case: Case) -> dict[str, object]:
    """Where a run works, which no case tells: executor, threads, memory and the gpu's device."""
    from klieg.sources import lies_on_disk

    place = {k: getattr(config, k) for k in ("executor", "threads", "memory")}
    place["posts"] = "on disk" if lies_on_disk(case.posts.table) else "in memory"
    if config.engine == "gpu":
        from klieg.engine.gpu import COMPILED, device_of

        place |= {"device": device_of(config), "compiled": list(COMPILED)}
    return place


@contextmanager
def _resuming(config: Config, outputs: Outputs) -> Iterator[Config]:
    """On a cluster, finished shards are kept beside the case until it stands."""
    folder = Path(config.resume) if config.resume else outputs.shards
    if config.executor == "threads" and not config.resume:
        yield config
        return
    try:
        yield replace(config, resume=str(folder))
    except BaseException:
        if folder.is_dir():
            from klieg.text import safe_term  # heavy, and rarely needed: here only

            said = f"klieg: finished shards are kept in {safe_term(str(folder))}: run it again"
            click.echo(said, err=True)
        raise
    if not config.resume:
        shutil.rmtree(folder, ignore_errors=True)


def show(case: Case, outputs: Outputs, *, as_json: bool, share: bool = False) -> None:
    """Print the findings, then where everything went."""
    from klieg.cli.screen import findings_table, out, plain

    if as_json:
        from klieg.case import pseudonymise
        from klieg.case.export import document

        click.echo(json.dumps(document(pseudonymise(case) if share else case), ensure_ascii=False))
        return
    console = out()
    for note in (*case.intake.notes, *case.notes):
        console.print(plain(f"note: {note}"), style="dim")
    console.print(findings_table(case, width=console.width))
    written = [outputs.case, outputs.report] if outputs.report else [outputs.case]
    bad = sum(case.intake.rejected.values())
    if bad:
        console.print(plain(f"{bad:,} rows could not be read: {outputs.quarantine}"))
    acts = f" and {case.posts.n_acts:,} acts" if case.posts.n_acts else ""
    console.print(
        plain(
            f"{case.posts.n:,} posts{acts} by {case.posts.n_accounts:,} accounts. "
            f"Unreviewed. Written: {', '.join(map(str, written))}"
        )
    )


class _Stopwatch:
    """How long each stage took: for run.json only, never for the case."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._stage, self._since = "", time.perf_counter()

    def around(self, progress: Progress) -> Progress:
        def tell(stage: str, done: int, total: int | None) -> None:
            if stage != self._stage:
                self._close()
                self._stage = stage
            progress(stage, done, total)

        return tell

    def stop(self) -> dict[str, float]:
        self._close()
        return {stage: round(t, 3) for stage, t in self._times.items()}

    def _close(self) -> None:
        now = time.perf_counter()
        if self._stage:
            self._times[self._stage] = self._times.get(self._stage, 0.0) + now - self._since
        self._since = now


def _preview(
    inputs: tuple[str, ...], format_: str | None, mapping: Mapping[str, str], *, as_json: bool
) -> None:
    from klieg.sources import preview

    found = preview(list(inputs), format=format_, mapping=mapping)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    from klieg.cli.screen import out, plain

    console = out()
    for entry in found:
        for name, value in entry.items():
            if isinstance(value, Mapping):
                console.print(plain(f"{name}:"))
                for key, item in value.items():
                    console.print(plain(f"    {key:20} ← {item}"))
            elif isinstance(value, (list, tuple)) and value:
                console.print(plain(f"{name}:"))
                for item in value:
                    console.print(plain(f"    {item}"))
            elif value not in (None, "", []):
                console.print(plain(f"{name}: {value}"))
        console.print()


def _knobs(flags: Mapping[str, Any]) -> list[str]:
    from klieg.config import knobs

    return [k.name for k in knobs() if k.name in flags]


def _outputs(inputs: tuple[str, ...], flags: Mapping[str, Any]) -> Outputs:
    case = flags["output"] or Path(_stem(inputs[0]) + ".klieg")
    base = case.with_suffix("") if case.suffix == ".klieg" else case
    report = flags["report"] or base.with_name(base.name + ".report.html")
    return Outputs(
        case,
        None if flags["no_report"] else report,
        base.with_name(base.name + ".quarantine.jsonl"),
        base.with_name(base.name + ".run.json"),
        base.with_name(base.name + ".shards"),
    )


def _stem(name: str) -> str:
    if name == "-":
        return "stdin"
    stem = Path(name).name
    if re.search(r"[*?\[]", stem) and not Path(name).exists():  # a pattern: what it says in letters
        stem = re.sub(r"[*?\[\]!]+", "", stem).strip(".-_ ")
        stem = f"posts.{stem}" if f".{stem}" in SUFFIXES or not stem else stem
    while Path(stem).suffix.lower() in SUFFIXES:
        stem = Path(stem).stem
    return stem


def _reaches(case: Case, band: str) -> bool:
    from klieg.tables import BANDS

    order = list(BANDS)
    return any(
        f.class_ == "coordinated" and order.index(f.band) >= order.index(band)  # type: ignore[arg-type]
        for f in case.findings
    )
