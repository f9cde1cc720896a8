"""The Case: everything a run found, in memory until saved; the one object that comes out.

Its methods are thin: the store keeps it, ``frames`` flattens it, ``behind`` finds the posts behind
a claim, ``network`` draws its graph. The room knows no algorithm, no file format and no screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klieg.case.behind import edge_posts, finding_of, finding_posts
from klieg.case.frames import frame
from klieg.case.network import CoordinationNetwork
from klieg.case.run import Run
from klieg.case.store import load, save
from klieg.errors import MissingExtra
from klieg.tables import (
    ActHighlight,
    Finding,
    Highlight,
    Impact,
    Intake,
    Layer,
    Posts,
    Power,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Case", "open_case"]

_ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Posts, layers, findings and what they mean, with the run that made them."""

    run: Run
    intake: Intake
    posts: Posts
    layers: tuple[Layer, ...]  # every signal, MULTIPLEX last
    findings: tuple[Finding, ...]  # strongest first
    highlights: tuple[Highlight, ...]
    impact: tuple[Impact, ...]  # of the whole data set
    power: tuple[Power, ...]
    notes: tuple[str, ...]
    act_highlights: tuple[ActHighlight, ...] = ()  # acts without text that took part

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write ``x.klieg`` and its parquet of posts, and of acts if there are any.

        StoreError if they exist without ``force``.
        """
        save(self, path, force=force)

    def finding(self, id: str) -> Finding:  # noqa: A002 - the word of the case
        """The finding with this id; NotInCase names the nearest."""
        return finding_of(self, id)

    def finding_posts(self, id: str) -> pa.Table:  # noqa: A002 - the word of the case
        """Every post that took part in a finding, with its objects and nearest partners."""
        return finding_posts(self, id)

    def edge_posts(self, a: str | int, b: str | int) -> pa.Table:
        """Posts of two accounts (ids as in the input) on objects they shared."""
        return edge_posts(self, a, b)

    def network(self) -> CoordinationNetwork:
        """The coordination network: ``.to_networkx()``."""
        return CoordinationNetwork(self)

    def to_arrow(self, name: str) -> pa.Table:
        """A flat table by name: findings, members, edges, posts, highlights … (``FRAMES``)."""
        return frame(self, name)

    def to_polars(self, name: str) -> Any:
        """The same as a Polars DataFrame; MissingExtra if Polars is not installed."""
        return _frames("polars").from_arrow(frame(self, name))

    def to_pandas(self, name: str) -> Any:
        """The same as a pandas DataFrame; MissingExtra if pandas is not installed."""
        _frames("pandas")
        return frame(self, name).to_pandas()

    def __repr__(self) -> str:
        acts = f" and {self.posts.n_acts:,} acts" if self.posts.n_acts else ""
        return (
            f"<Case: {self.posts.n:,} posts{acts} by {self.posts.n_accounts:,} accounts, "
            f"{len(self.findings)} findings, unreviewed>"
        )

    def _repr_html_(self) -> str:
        """A small table for notebooks: strongest findings first, every text escaped."""
        head = "".join(f"<th>{name}</th>" for name in ("finding", "class", "band", "what was seen"))
        rows = "".join(
            f"<tr><td>{escape(f.id)}</td><td>{escape(f.class_)}</td><td>{escape(f.band)}</td>"
            f'<td dir="auto">{escape(f.sentence)}</td></tr>'
            for f in self.findings[:_ROWS_SHOWN]
        )
        more = len(self.findings) - _ROWS_SHOWN
        rest = f"<p>and {more} more: case.findings</p>" if more > 0 else ""
        none = "" if self.findings else "<p>Nothing stood out; case.power says what could have.</p>"
        return f"<p>{escape(repr(self)[1:-1])}</p><table><tr>{head}</tr>{rows}</table>{rest}{none}"


def open_case(path: str | Path) -> Case:
    """The case saved at ``path``, restored whole.

    Raises NotInCase if there is none, StoreError if the file is no case, damaged, or newer.
    """
    return Case(**load(path))


def _frames(library: str) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        raise MissingExtra(f"a {library} DataFrame", "pip install 'klieg[frames]'") from error
