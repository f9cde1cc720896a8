"""Which worlds the suite simulates: sections, seeds, sizes, and the grids of the power surfaces.

Seeds begin at ``FIRST_SEED``; nothing in klieg was built or tuned on worlds of these seeds. The
makers of ordinary life take turns by seed, in ``full`` each seed has both. The room runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from klieg.sources.simulate import (
    CATALOGUE,
    COLLECTIONS,
    GENERATORS,
    Campaign,
    Evasion,
    LookAlike,
    below_the_windows,
)

__all__ = ["FIRST_SEED", "SECTIONS", "Trial", "labels", "plan"]

FIRST_SEED = 70_001
SECTIONS = (
    *("groups", "texts", "others", "quiet", "look-alikes", "framing", "shuffled"),
    *("power", "axes", "evasion", "collections", "large"),
)
ASKED = ("large",)
"""Sections that run only if they are named: in ``full`` the others are as large."""

GROUPS = ("crew", "crew-30min", "crew-log-30min", "crew-3h", "crew-6h", "wide-crew")
TEXTS = ("copies-crew", "edited-crew", "tags-crew", "paraphrase-crew", "paraphrase-links-crew")
OTHERS = ("link-crew", "replies-crew", "mixed-crew", "private-links-crew", "instant-crew")
EVASIONS = (
    ("crew", "rotating-crew", "teams-crew", "camouflaged-crew"),
    ("buried-crew", "narrow-crew", "window-crew-60s", "window-crew-10min", "window-crew-1h"),
    ("edits-crew", "half-paraphrase-crew", "translated-crew", "multilingual-crew", "batch-crew"),
    ("crew-1s", "crew-24h"),
)
NICHES = (
    *("fans", "fans-of-several", "plain-niche", "fast-niche", "zone-niche", "alert-niche"),
    *("event-niche", "syndication", "one-brand"),
)
"""Look-alikes that stand as groups, beside which the crews are shown."""
_HOUR = 3600.0
TOGETHER = 6
"""Campaigns of a grid planted in one world."""
IN_A_WORLD = 8
"""Look-alikes planted in one world."""
RESHUFFLED = 30
"""Times a small quiet world is shuffled and searched anew."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One world to simulate, scan and score."""

    section: str
    seed: int
    generator: str
    accounts: int
    days: int
    name: str = ""
    campaigns: tuple[tuple[str, Campaign], ...] = ()  # what it is called, what is planted
    look_alikes: tuple[tuple[str, LookAlike], ...] = ()
    collect: str = ""
    shuffles: int = 0
    reshuffled: int = 0
    baselines: bool = False

    @property
    def key(self) -> str:
        """What tells it from every other trial of a plan, and from those of other plans."""
        size = f"{self.accounts}x{self.days}"
        runs = f"{self.shuffles}/{self.reshuffled}/{int(self.baselines)}"
        about = (self.section, self.name, self.collect, self.generator, size, runs, str(self.seed))
        return ":".join(about)


@dataclass(frozen=True, slots=True)
class _Scale:
    accounts: int
    days: int
    generators: bool  # every seed with each maker


def plan(*, full: bool = False, seeds: int = 10, sections: tuple[str, ...] = ()) -> list[Trial]:
    """Every trial of the suite, in the order in which they are run; some sections if named.

    By default worlds of 3,000 accounts and 14 days, and two quiet ones of 30,000; ``full`` has
    8,000 and 30, finer grids, and quiet worlds up to 300,000 accounts.
    """
    scale = _Scale(8_000, 30, True) if full else _Scale(3_000, 14, False)
    every = [
        *_planted(scale, seeds),
        *_quiet(scale, seeds, full=full),
        *_look_alikes(scale, seeds),
        *_power(scale, seeds, full=full),
        *_evasions(scale, seeds, full=full),
        *_collections(scale, seeds, full=full),
        *_large(seeds),
    ]
    chosen = sections or tuple(s for s in SECTIONS if s not in ASKED)
    return [t for t in every if t.section in chosen]


def labels(trial: Trial) -> dict[str, str]:
    """The truth's label of each planted group → what the plan calls it."""
    out: dict[str, str] = {}
    count: dict[str, int] = {}
    for head, planted in (("campaign", trial.campaigns), ("look-alike", trial.look_alikes)):
        for name, what in planted:
            kind = f"{head}:{what.kind.replace(' ', '-')}"
            count[kind] = count.get(kind, 0) + 1
            out[f"{kind}-{count[kind]}"] = name
    return out


def _seeded(trial: Trial, seeds: int, scale: _Scale) -> list[Trial]:
    """The trial with each seed, and with each maker or one in turn."""
    return [
        replace(trial, seed=FIRST_SEED + i, generator=generator)
        for i in range(seeds)
        for generator in (GENERATORS if scale.generators else (GENERATORS[i % len(GENERATORS)],))
    ]


def _trial(section: str, scale: _Scale, **more: object) -> Trial:
    made = Trial(section, FIRST_SEED, GENERATORS[0], scale.accounts, scale.days)
    return replace(made, **more)  # type: ignore[arg-type]


def _named(names: tuple[str, ...]) -> tuple[tuple[str, Campaign], ...]:
    return tuple((name, c) for name in names for c in CATALOGUE[name].campaigns)


def _planted(scale: _Scale, seeds: int) -> list[Trial]:
    out = []
    for section, names in (("groups", GROUPS), ("texts", TEXTS), ("others", OTHERS)):
        trial = _trial(section, scale, campaigns=_named(names), shuffles=1)
        out += _seeded(replace(trial, baselines=section != "others"), seeds, scale)
    framing = _trial("framing", scale, campaigns=_named(("framing-crew",)))
    return out + _seeded(framing, seeds, scale)


def _large(seeds: int) -> list[Trial]:
    """Crews and niches in worlds of the size that the method's own figures are of."""
    scale = _Scale(8_000, 30, False)
    out = []
    for names in (GROUPS, TEXTS[:3], OTHERS):
        trial = _trial("large", scale, name=names[0], campaigns=_named(names))
        out += _seeded(trial, seeds, scale)
    alike = tuple((n, a) for n in NICHES for a in CATALOGUE[n].look_alikes)
    niches = _trial("large", scale, name="niches", look_alikes=alike)
    return out + _seeded(niches, seeds, scale)


def _quiet(scale: _Scale, seeds: int, *, full: bool) -> list[Trial]:
    out = _seeded(_trial("quiet", scale, shuffles=3), seeds, scale)
    sizes = ((30_000, 14, 4), (300_000, 7, 1)) if full else ((30_000, 7, 2),)
    for accounts, days, most in sizes:
        big = _trial("quiet", scale, accounts=accounts, days=days, shuffles=1)
        out += _seeded(big, min(seeds, most), scale)
    small = _trial("shuffled", scale, accounts=300, days=5, reshuffled=RESHUFFLED)
    return out + _seeded(small, seeds, scale)


def _look_alikes(scale: _Scale, seeds: int) -> list[Trial]:
    """Every kind once a seed. Neighbours in the catalogue are alike: they are dealt apart."""
    kinds = [(name, a) for name, p in CATALOGUE.items() for a in p.look_alikes]
    worlds = -(-len(kinds) // IN_A_WORLD)
    out = []
    for i in range(worlds):
        mine = tuple(kinds[i::worlds])
        out += _seeded(_trial("look-alikes", scale, name=str(i), look_alikes=mine), seeds, scale)
    return out


def _power(scale: _Scale, seeds: int, *, full: bool) -> list[Trial]:
    """Size × acts × jitter, and one axis at a time from the standard crew."""
    sizes = (5, 10, 20, 40, 100, 500) if full else (5, 10, 20, 40)
    acts = (2, 3, 5, 10, 20, 50) if full else (3, 5, 10, 20)
    jitter = (1, 60, 600, _HOUR, 6 * _HOUR, 24 * _HOUR) if full else (60, 600, _HOUR, 6 * _HOUR)
    grid = [
        (f"{n} × {k} at {t:g} s", Campaign("repost", size=n, acts=k, jitter_s=float(t)))
        for n, k, t in product(sizes, acts, jitter)
    ]
    crew, texts = Campaign("repost"), CATALOGUE["paraphrase-crew"].campaigns[0]
    axes = [
        *((f"camouflage {c:g}", replace(crew, camouflage=c)) for c in (0.0, 0.5, 0.8, 0.9, 0.95)),
        *((f"rotation {p:g}", replace(crew, participation=p)) for p in (1.0, 0.5, 0.3, 0.2)),
        *(
            (f"paraphrase {p:g}", replace(texts, evasion=Evasion(paraphrase=p)))
            for p in (0.0, 0.3, 0.6, 0.8, 1.0)
        ),
    ]
    few = max(2, seeds // (1 if full else 5)) if seeds > 1 else 1
    return [
        *_dealt("power", grid, scale, few),
        *_dealt("axes", axes, scale, few),
    ]


def _dealt(
    section: str, cells: list[tuple[str, Campaign]], scale: _Scale, seeds: int
) -> list[Trial]:
    """Cells dealt into worlds; with each seed into others, so that neighbours do not recur."""
    worlds = -(-len(cells) // TOGETHER)
    out = []
    for i in range(worlds):
        trial = _trial(section, scale, name=str(i), campaigns=tuple(cells[i::worlds]))
        out += _seeded(trial, seeds, scale)
    return out


def _evasions(scale: _Scale, seeds: int, *, full: bool) -> list[Trial]:
    few = seeds if full else max(2, seeds * 2 // 5) if seeds > 1 else 1
    out = []
    for i, names in enumerate(EVASIONS):
        more = tuple(
            (f"spacing {gap:g} s", Campaign("repost", evasion=below_the_windows(gap)))
            for gap in ((10.0, 300.0) if i == len(EVASIONS) - 1 else ())
        )
        trial = _trial("evasion", scale, name=str(i), campaigns=(*_named(names), *more))
        out += _seeded(trial, few, scale)
    return out


def _collections(scale: _Scale, seeds: int, *, full: bool) -> list[Trial]:
    """A quiet world and one with a crew, as each collection would hold them."""
    few = seeds if full else max(2, seeds * 2 // 5) if seeds > 1 else 1
    out = []
    for how in COLLECTIONS:
        for name, names in (("quiet", ()), ("crews", ("crew", "copies-crew", "tags-crew"))):
            trial = _trial(
                "collections", scale, name=name, campaigns=_named(names), collect=how, shuffles=1
            )
            out += _seeded(trial, few, scale)
    return out
