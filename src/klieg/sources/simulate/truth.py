"""What is true in a simulated world: who was planted, as what, and which posts took part.

A truth is written beside the posts as ``<name>.truth.json``. The room knows no detector.
"""

from __future__ import annotations

import json
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
    """The truth in a ``.truth.json`` file, or beside a file of posts. InputError if unreadable."""
    file = Path(path)
    file = file if file.name.endswith(".truth.json") else truth_path(file)
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        groups = tuple(
            TrueGroup(
                str(g["label"]),
                str(g["kind"]),
                tuple(str(a) for a in g["accounts"]),
                tuple(str(p) for p in g["posts"]),
                dict(g.get("parameters", {})),
            )
            for g in body["groups"]
        )
    except OSError as error:
        raise InputError(f"cannot read the truth: {error.strerror}", path=str(file)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "not a truth file: expected {schema_version, groups[{label, kind, accounts, posts}]}",
            path=str(file),
        ) from error
    return Truth.of(groups)
