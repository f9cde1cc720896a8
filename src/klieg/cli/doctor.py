"""``klieg doctor``: what is installed, what would be slow and why; ``--warm`` compiles ahead.

It looks and reports; with ``--warm`` it fills the compiler's cache. It changes nothing else.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import click

from klieg import __version__

LIBRARIES = (
    "click",
    "duckdb",
    "graspologic-native",
    "jinja2",
    "msgspec",
    "networkx",
    "numba",
    "numpy",
    "publicsuffixlist",
    "pyarrow",
    "rich",
    "scipy",
    "zstandard",
)


@click.command("doctor")
@click.option("--warm", is_flag=True, help="Compile every kernel now, so that scans start fast.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else.")
def command(*, warm: bool, as_json: bool) -> None:
    """Check the installation: versions, plugins, and whether compiled code can be kept."""
    from klieg.engine.cpu import cache_state
    from klieg.engine.cpu import warm as compile_all
    from klieg.sockets import names

    found: dict[str, object] = {
        "klieg": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
    }
    missing = []
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            missing.append(library)
            found[library] = "missing"
    for group in ("sources", "signals", "engines"):
        found[group] = ", ".join(names(group))
    found["gpu engine"] = _gpu()
    if warm:
        took = compile_all() + _small_scan() + _small_networks() + _reading()
        found["compiled in"] = f"{took:.1f} s"
    kept = cache_state()
    found["compiled code"] = kept.folder or "not compiled yet"
    if kept.advice:
        found["advice"] = kept.advice
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        width = max(map(len, found))
        for name, value in found.items():
            click.echo(f"{name:{width}}  {value}")
    if missing:
        click.echo(f"klieg: missing: {', '.join(missing)}. Run: pip install klieg", err=True)
        sys.exit(5)


def _small_networks() -> float:
    """Both tools' networks of next to nothing: compiles what ``klieg network`` runs."""
    from klieg.parity import warm

    return warm()


def _reading() -> float:
    """What only large files need when they are read: a small scan does not come by it."""
    from klieg.sources.skeletons import warm

    since = time.perf_counter()
    warm()
    return time.perf_counter() - since


def _gpu() -> str:
    """The device the gpu engine would count on, or what it lacks."""
    from klieg.config import Config
    from klieg.errors import KliegError

    try:
        from klieg.engine.gpu import device_of

        return device_of(Config.load()[0])
    except KliegError as lacking:
        return str(lacking)


def _small_scan() -> float:
    """The whole way once on a small world: whatever else compiles, compiles now."""
    from klieg.pipeline import scan
    from klieg.sources.simulate import simulate

    since = time.perf_counter()
    scan(simulate(accounts=300, days=4, look_alikes=()).posts)
    return time.perf_counter() - since
