"""Every knob with its default, unit, range and sentence; one dial, ``false_alarms``.

A value comes from, weakest first: the default, ``klieg.toml`` in the working folder, ``KLIEG_*`` in
the environment, a flag. ``Config.load`` remembers where each came from. The room knows no other
room but the errors, and reads nothing but that one file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from klieg.errors import ConfigError, InputError

__all__ = ["WINDOWS", "Config", "Knob", "knobs"]

WINDOWS = (10, 60, 600, 3600, 21600, 86400)
"""The window ladder in seconds: 10 s, 1 min, 10 min, 1 h, 6 h, 24 h."""


@dataclass(frozen=True, slots=True)
class Knob:
    """What ``klieg config`` prints of one knob."""

    name: str
    default: object
    unit: str
    allowed: str
    sentence: str
    false_alarms: str  # what turning it does to false alarms
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def _knob(
    default: Any,
    unit: str,
    sentence: str,
    false_alarms: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    allowed: str = "",
) -> Any:
    if not allowed:
        allowed = " | ".join(choices) if choices else f"{low:g} … {high:g}"
    about = Knob("", default, unit, allowed, sentence, false_alarms, low, high, choices)
    return field(default=default, metadata={"about": about})


_NEVER = "none: results are the same bytes"
_TIGHT = (
    "none; under 300 bytes an act the signals are not woven into one layer, which the case says"
)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of a run: frozen, validated when made."""

    false_alarms: float = _knob(
        0.01,
        "share",
        "Target share of false ones among what is reported; every threshold follows from it.",
        "is the promise itself",
        low=1e-6,
        high=0.2,
    )
    signals: tuple[str, ...] = _knob(
        (),
        "names",
        "Which traces to look at; empty means all the data can carry but synchrony.",
        "fewer signals, fewer tests, slightly more power in each",
        allowed="installed signals, or empty",
    )
    windows_s: tuple[int, ...] = _knob(
        WINDOWS,
        "seconds",
        "The ladder of time windows counted in one pass.",
        "paid for: p is multiplied by the number of windows",
        low=1,
        high=604800,
        allowed="1 … 604800, ascending",
    )
    min_objects: int = _knob(
        2,
        "objects",
        "Distinct objects an account needs before its edges count.",
        "lower lets single-act accounts form false cliques",
        low=1,
        high=100,
    )
    min_actions: int = _knob(
        5,
        "joint acts",
        "Joint acts a group needs before it is a finding.",
        "lower admits groups with little to show",
        low=2,
        high=10000,
    )
    weak_p: float = _knob(
        1e-3,
        "probability",
        "Corrected p below which an edge is weak evidence: used to search, never to accuse.",
        "none for findings: the group test pays for any search",
        low=1e-9,
        high=0.05,
    )
    weak_count: int = _knob(
        2,
        "objects",
        "Shared objects an edge needs, weak or validated.",
        "1 makes rare coincidences into edges",
        low=1,
        high=100,
    )
    occupancy: int = _knob(
        100,
        "actions",
        "A window with more other actions than this proposes no pairs (exact scores keep it).",
        "none: candidates are scored exactly; lower can lose pairs, the bound is printed",
        low=10,
        high=1_000_000,
    )
    stratum_actions: int = _knob(
        500,
        "actions",
        "Pools with fewer actions merge into their parent.",
        "small pools hide the group they consist of",
        low=1,
        high=10_000_000,
    )
    stratum_accounts: int = _knob(
        200,
        "accounts",
        "Pools with fewer accounts merge into their parent.",
        "small pools hide the group they consist of",
        low=1,
        high=10_000_000,
    )
    cpm_gamma: tuple[float, ...] = _knob(
        (0.1, 0.25),
        "density",
        "Densities at which Leiden with the constant Potts model cuts candidate groups.",
        "none: the group test pays for any search",
        low=1e-4,
        high=1.0,
        allowed="0.0001 … 1",
    )
    shuffles: int = _knob(
        1,
        "runs",
        "Label shuffles inside the strata, run beside the real data as a check.",
        "none: a check, printed in every report",
        low=0,
        high=1000,
    )
    shuffle_kinds: tuple[str, ...] = _knob(
        ("S", "H", "T"),
        "kinds",
        "Which shuffles: S labels inside the pool; H inside pool and clock hour, and T each "
        "account's acts moved by whole days, both without the groups that stand.",
        "none: a check, printed in every report",
        allowed="S, H, T or fewer",
    )
    controls: int = _knob(
        200,
        "sets",
        "Sets of comparable accounts weighed beside every group; 0 draws none.",
        "none: shown beside the evidence, never part of it",
        low=0,
        high=10_000,
    )
    copy_jaccard: float = _knob(
        0.8,
        "Jaccard",
        "Character 3-gram similarity from which two texts are copies.",
        "lower joins texts that merely share a topic; the null still tests the family",
        low=0.5,
        high=1.0,
    )
    edited_jaccard: float = _knob(
        0.5,
        "Jaccard",
        "Word 2-gram similarity from which two texts are edited copies.",
        "lower joins texts that merely share a topic; the null still tests the family",
        low=0.3,
        high=1.0,
    )
    max_bad: float = _knob(
        0.01,
        "share",
        "Share of unreadable rows above which a run fails (exit 3).",
        "none: says how much of the input may be missing",
        low=0.0,
        high=1.0,
    )
    memory: str = _knob(
        "",
        "bytes",
        "Memory budget such as 4GiB; empty means no budget.",
        _TIGHT,
        allowed="a number with KiB, MiB, GiB, or empty",
    )
    threads: int = _knob(
        0,
        "threads",
        "Threads to compute with; 0 means one a core.",
        _NEVER,
        low=0,
        high=1024,
    )
    seed: int = _knob(
        0,
        "number",
        "Seed of every random draw.",
        "none on average",
        low=0,
        high=2**31 - 1,
    )
    engine: str = _knob(
        "cpu",
        "name",
        "Which engine counts: cpu (compiled), gpu (PyTorch), reference (the slow specification); "
        "ray is cpu with the executor ray.",
        _NEVER,
        allowed="an installed engine",
    )
    device: str = _knob(
        "",
        "name",
        "Where the gpu engine counts: cuda, cuda:1, mps, cpu; empty takes the best there is.",
        _NEVER,
        allowed="cuda | cuda:N | mps | cpu, or empty",
    )
    embedder: str = _knob(
        "",
        "name",
        "Embedder for paraphrases; empty means none is used.",
        "none while empty",
        allowed="an installed embedder, or empty",
    )
    llm: str = _knob(
        "template",
        "name",
        "Who words the briefs; template uses no model.",
        "none: a model may only say what the evidence says",
        allowed="an installed LLM backend",
    )
    executor: str = _knob(
        "threads",
        "name",
        "Where shards run: threads of this process, or ray (this machine or a cluster).",
        _NEVER,
        allowed="an installed executor",
    )
    ray_address: str = _knob(
        "",
        "address",
        "Ray cluster to join, such as auto or 10.0.0.1:6379; empty starts Ray on this machine.",
        _NEVER,
        allowed="HOST:PORT, auto, or empty",
    )
    resume: str = _knob(
        "",
        "folder",
        "Folder where finished shards leave a mark, so that an interrupted run goes on.",
        _NEVER,
        allowed="a folder, or empty",
    )

    def __post_init__(self) -> None:
        if self.engine == "ray":  # the same engine, elsewhere: the case must not differ
            object.__setattr__(self, "engine", "cpu")
            object.__setattr__(self, "executor", "ray")
        for f in fields(self):
            _check(f.metadata["about"], f.name, getattr(self, f.name))
        if list(self.windows_s) != sorted(set(self.windows_s)) or not self.windows_s:
            raise ConfigError("windows_s", self.windows_s, "ascending seconds, at least one")
        if len(set(self.shuffle_kinds) & {"S", "H", "T"}) < len(self.shuffle_kinds):
            raise ConfigError("shuffle_kinds", self.shuffle_kinds, "S, H, T or fewer, each once")

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        *,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> tuple[Config, dict[str, str]]:
        """Layer defaults, ``klieg.toml``, ``KLIEG_*`` and flags; also say where each came from.

        Raises ConfigError for an unknown knob or a value outside its range, InputError for a
        ``klieg.toml`` that is not TOML.
        """
        known = {f.name: f for f in fields(cls)}
        values: dict[str, Any] = {}
        origin = dict.fromkeys(known, "default")
        file = (folder or Path()) / "klieg.toml"
        for where, layer in (
            (str(file), _read_toml(file)),
            ("environment", _read_environ(environ if environ is not None else os.environ, known)),
            ("flag", {k: v for k, v in (flags or {}).items() if v is not None}),
        ):
            for name, value in layer.items():
                if name not in known:
                    near = get_close_matches(name, known, 1)
                    raise ConfigError(
                        name,
                        value,
                        "a knob that `klieg config` lists",
                        nearest=near[0] if near else None,
                    )
                values[name] = _cast(name, value, known[name].default)
                origin[name] = where
        return replace(cls(), **values), origin

    def as_dict(self) -> dict[str, object]:
        """Every knob by name, tuples as lists: what ``run.json`` and the case hold."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def knobs() -> tuple[Knob, ...]:
    """Every knob in the order of the table in docs/knobs.md."""
    return tuple(replace(f.metadata["about"], name=f.name) for f in fields(Config))


def _check(about: Knob, name: str, value: object) -> None:
    if about.low is None or about.high is None:
        return
    items = value if isinstance(value, tuple) else (value,)
    for item in items:
        # bool is an int to Python, but never a sensible knob here
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise ConfigError(name, value, about.allowed)
        if not about.low <= item <= about.high:
            raise ConfigError(name, value, f"{about.allowed} {about.unit}")


def _cast(name: str, value: object, default: object) -> object:
    try:
        if isinstance(default, tuple):
            items = value.split(",") if isinstance(value, str) else list(value)  # type: ignore[call-overload]
            kind: Any = type(default[0]) if default else str
            return tuple(kind(i.strip() if isinstance(i, str) else i) for i in items if i != "")
        if isinstance(default, str):
            return str(value)
        if isinstance(value, bool):
            raise ValueError(value)
        if isinstance(default, int) and float(value) != int(float(value)):  # type: ignore[arg-type]
            raise ValueError(value)
        return type(default)(value)  # type: ignore[call-arg]
    except (TypeError, ValueError) as error:
        raise ConfigError(name, value, f"like the default, {default!r}") from error


def _read_toml(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid TOML: {error}", path=str(file)) from error


def _read_environ(environ: Mapping[str, str], known: Mapping[str, object]) -> dict[str, object]:
    # KLIEG_DATA and the like belong to tests and tools: only names of knobs are read
    return {
        name: environ[f"KLIEG_{name.upper()}"]
        for name in known
        if environ.get(f"KLIEG_{name.upper()}")
    }
