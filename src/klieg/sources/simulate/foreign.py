"""Other people's worlds: posts in any format klieg reads, and what their makers say is true.

A folder holds the posts and one ``truth.json`` or ``truth.csv``; or a file of posts has its truth
beside it. ``docs/worlds.md`` shows both forms. The room knows formats only by klieg's own readers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from klieg.errors import InputError
from klieg.sources import read
from klieg.sources.simulate.truth import Truth, read_truth
from klieg.sources.simulate.world import World
from klieg.tables import Intake

__all__ = ["read_world"]

_TRUTHS = ("truth.json", "truth.csv")


def read_world(
    path: str | Path,
    *,
    truth: str | Path | None = None,
    format: str | None = None,  # noqa: A002 - the word of the command line
    mapping: Mapping[str, str] | None = None,
    max_bad: float = 0.01,
) -> tuple[World, Intake]:
    """The posts and the truth of a folder or file, and what became of every row.

    Accounts and posts of the truth that are not in the posts are left out of it and counted in the
    intake's notes. Raises InputError where either is missing or unreadable, and where no account of
    the truth is in the posts (ids that do not match are the usual reason).
    """
    place = Path(path)
    known = read_truth(truth if truth is not None else _truth_of(place))
    inputs = _inputs(place, truth)
    posts, intake = read([str(p) for p in inputs], format=format, mapping=mapping, max_bad=max_bad)
    accounts = set(posts.account_ids.to_pylist())
    named = {a for g in known.groups for a in g.accounts}
    if named and not named & accounts:
        raise InputError(
            "no account of the truth is in the posts; the truth needs account ids as the posts "
            "have them",
            path=str(place),
        )
    ids = set(posts.table["post_id"].to_pylist())
    missing = len(named - accounts), len({p for g in known.groups for p in g.posts} - ids)
    groups = tuple(
        dataclasses.replace(
            g,
            accounts=tuple(sorted(set(g.accounts) & accounts)),
            posts=tuple(p for p in g.posts if p in ids),
        )
        for g in known.groups
    )
    told: tuple[str, ...] = ()
    if any(missing):
        told = (
            f"The truth names {missing[0]} accounts and {missing[1]} posts that are not in the "
            "posts: left out.",
        )
    kept = Truth.of(tuple(g for g in groups if g.accounts))
    return World(posts.table, kept), dataclasses.replace(intake, notes=(*intake.notes, *told))


def _truth_of(place: Path) -> Path:
    if not place.is_dir():
        return place
    found = [f for f in sorted(place.iterdir()) if _is_truth(f)]
    if len(found) != 1:
        which = ", ".join(f.name for f in found) or "none"
        raise InputError(
            f"a folder holds one truth.json or truth.csv; found {which}", path=str(place)
        )
    return found[0]


def _is_truth(file: Path) -> bool:
    return file.name in _TRUTHS or file.name.endswith((".truth.json", ".truth.csv"))


def _inputs(place: Path, truth: str | Path | None) -> list[Path]:
    if not place.is_dir():
        return [place]
    beside = None if truth is None else Path(truth).resolve()
    files = [
        f
        for f in sorted(place.iterdir())
        if f.is_file()
        and not _is_truth(f)
        and f.resolve() != beside
        and not f.name.startswith(".")
        and f.suffix.lower() != ".md"
    ]
    if not files:
        raise InputError("there are no posts in this folder", path=str(place))
    return files
