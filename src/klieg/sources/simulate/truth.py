"""What is true in a simulated world: who was planted, as what, and which posts took part.

A truth is written beside the posts as ``<name>.truth.json``. The room knows no detector.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klieg.errors import InputError

__all__ = ["TrueGroup", "Truth", "read_truth", "truth_path", "write_truth"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class TrueGroup:
    """A campaign or a look-alike as it was planted, or the innocent accounts one imitates."""

    label: str  # "campaign:repost-1", "look-alike:fans-1", "framed:repost-1"
    kind: str  # repost, link, copies, edited, hashtags; fans, syndication, …; framed
    accounts: tuple[str, ...]  # account ids, sorted
    posts: tuple[str, ...]  # ids of the posts that took part, in time order
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def campaign(self) -> bool:
        return self.label.startswith("campaign:")


@dataclass(frozen=True, slots=True)
class Truth:
    """Every planted group; an account or post that is in none is ordinary."""

    groups: tuple[TrueGroup, ...]
    accounts: Mapping[str, str]  # account id → label
    posts: Mapping[str, str]  # post id → label, for posts that took part

    @classmethod
    def of(cls, groups: tuple[TrueGroup, ...]) -> Truth:
        """The truth of these groups (an account in two of them keeps the first label)."""
        accounts: dict[str, str] = {}
        posts: dict[str, str] = {}
        for group in groups:
            for account in group.accounts:
                accounts.setdefault(account, group.label)
            for post in group.posts:
                posts.setdefault(post, group.label)
        return cls(groups, accounts, posts)

    @property
    def campaigns(self) -> tuple[TrueGroup, ...]:
        return tuple(g for g in self.groups if g.campaign)

    @property
    def look_alikes(self) -> tuple[TrueGroup, ...]:
        return tuple(g for g in self.groups if g.label.startswith("look-alike:"))

    @property
    def framed(self) -> tuple[TrueGroup, ...]:
        """Innocent accounts that a campaign imitates so that they look like members."""
        return tuple(g for g in self.groups if g.label.startswith("framed:"))


def truth_path(posts: Path) -> Path:
    """Where the truth of a file of posts lies: ``world.jsonl`` → ``world.truth.json``."""
    return posts.with_name(posts.name.split(".")[0] + ".truth.json")


def write_truth(truth: Truth, path: Path) -> None:
    """One JSON file, keys sorted, the same bytes for the same truth."""
    groups = [
        {
            "label": g.label,
            "kind": g.kind,
            "parameters": dict(g.parameters),
            "accounts": list(g.accounts),
            "posts": list(g.posts),
        }
        for g in truth.groups
    ]
    body = {"schema_version": _VERSION, "groups": groups}
    path.write_text(
        json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def read_truth(path: str | Path) -> Truth:
    """The truth in a ``.json`` or ``.csv`` file, or beside a file of posts.

    CSV has a header with ``label`` and ``account_id``, a ``post_id`` too if posts are known, and a
    ``kind`` if it is not what stands behind the label's colon. InputError if unreadable.
    """
    file = _found(Path(path))
    try:
        text = file.read_text(encoding="utf-8-sig")
        groups = _from_csv(text) if file.suffix == ".csv" else _from_json(text)
    except OSError as error:
        raise InputError(f"cannot read the truth: {error.strerror}", path=str(file)) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(
            "not a truth file: expected {schema_version, groups[{label, kind, accounts, posts}]}, "
            "or CSV with label and account_id",
            path=str(file),
        ) from error
    return Truth.of(groups)


def _found(file: Path) -> Path:
    if file.name.endswith((".truth.json", ".truth.csv")) or file.stem == "truth":
        return file
    beside = truth_path(file)
    table = beside.with_suffix(".csv")
    return table if table.exists() and not beside.exists() else beside


def _from_json(text: str) -> tuple[TrueGroup, ...]:
    return tuple(
        TrueGroup(
            _label(str(g["label"])),
            str(g.get("kind", _kind(str(g["label"])))),
            tuple(str(a) for a in g["accounts"]),
            tuple(str(p) for p in g.get("posts", ())),
            dict(g.get("parameters", {})),
        )
        for g in json.loads(text)["groups"]
    )


def _from_csv(text: str) -> tuple[TrueGroup, ...]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if not {"label", "account_id"} <= set(rows.fieldnames or ()):
        raise ValueError("label and account_id")
    accounts: dict[str, dict[str, None]] = {}
    posts: dict[str, dict[str, None]] = {}
    kinds: dict[str, str] = {}
    for row in rows:
        label = _label(row["label"])
        accounts.setdefault(label, {})
        kinds.setdefault(label, row.get("kind") or _kind(label))
        if row["account_id"]:
            accounts[label][row["account_id"]] = None
        if row.get("post_id"):
            posts.setdefault(label, {})[row["post_id"]] = None
    return tuple(
        TrueGroup(label, kinds[label], tuple(sorted(who)), tuple(posts.get(label, ())))
        for label, who in accounts.items()
    )


def _label(label: str) -> str:
    if not label.startswith(("campaign:", "look-alike:", "framed:")):
        raise ValueError("a label starts with campaign:, look-alike: or framed:")
    return label


def _kind(label: str) -> str:
    """``look-alike:one-brand-2`` → ``one brand``."""
    return re.sub(r"-\d+$", "", label.partition(":")[2]).replace("-", " ")
