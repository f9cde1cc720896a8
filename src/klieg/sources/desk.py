"""The desk where a source reports what is no post: bad rows, acts, other objects, deletions.

A source calls the desk itself for a bad row, and its methods for the rest, so that every row read
is accounted for: ``rows = posts + acts + rejected + skipped``. The room knows no format and writes
one file, the quarantine.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from types import TracebackType
from typing import TYPE_CHECKING

from klieg.errors import InputError
from klieg.tables import Reject

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Desk", "Quarantine", "desk_of"]

VALUE_LIMIT = 1000  # characters of a bad value that are kept


@dataclass(slots=True)
class Desk:
    """One input's account of what became of its rows. Callable: ``desk(Reject(…))``."""

    name: str
    keep: Callable[[Reject], None]
    rows: int = 0  # records seen in the input, counted by the reader, not by what it hands on
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)  # objects that are no posts, by kind
    deleted: list[tuple[str, str]] = field(default_factory=list)  # (platform, post_id or act_id)
    closed: list[tuple[str, str]] = field(default_factory=list)  # (platform, account_id)
    notes: list[str] = field(default_factory=list)
    lost: int = 0  # references in float notation: dropped, their posts kept
    mapping: dict[str, str] = field(default_factory=dict)
    losers: list[str] = field(default_factory=list)  # columns that matched a field but lost
    acts: list[pa.RecordBatch] = field(default_factory=list)  # ACTS: likes and the like
    meter: Callable[[int, int, str], None] | None = None  # how far the reader is: (done, of, unit)

    def __call__(self, reject: Reject) -> None:
        self.rejected[reject.reason] += 1
        self.keep(reject)

    def read(self, done: int, of: int, unit: str) -> None:
        """Say how far into the input the reader is (``unit``: MB, rows); from the main thread."""
        if self.meter is not None and of:
            self.meter(min(done, of), of, unit)

    def skip(self, kind: str, count: int = 1) -> None:
        """Rows that are whole but neither posts nor acts: users, error lines."""
        if count:
            self.skipped[kind] += count

    def act(self, batch: pa.RecordBatch) -> None:
        """Acts without text (rows of ACTS), which go beside the posts."""
        if batch.num_rows:
            self.acts.append(batch)

    @property
    def n_acts(self) -> int:
        return sum(batch.num_rows for batch in self.acts)

    def delete(self, platform: str, post_id: str) -> None:
        """A deletion seen in the input: the post (or act) goes, wherever it stands."""
        self.deleted.append((platform, post_id))
        self.skip("delete")

    def close(self, platform: str, account_id: str) -> None:
        """An account that the input says is deleted: all its posts go, wherever they stand."""
        self.closed.append((platform, account_id))

    def note(self, sentence: str) -> None:
        """A sentence the reader must know, about this input."""
        sentence = f"{PurePath(self.name).name}: {sentence}"
        if sentence not in self.notes:
            self.notes.append(sentence)

    def check(self, max_bad: float) -> None:
        """Raise InputError if more than ``max_bad`` of the rows could not be read."""
        bad = sum(self.rejected.values())
        if not bad or bad <= max_bad * max(self.rows, 1):
            return
        reasons = ", ".join(f"{n:,} {why}" for why, n in self.rejected.most_common(5))
        raise InputError(
            f"{bad:,} of {self.rows:,} rows could not be read ({reasons}), more than the "
            f"{max_bad:.1%} allowed. See the quarantine file, name the right columns with --map, "
            "or allow it with --max-bad",
            path=self.name,
        )


def desk_of(reject: Callable[[Reject], None], name: str) -> Desk:
    """The desk itself, or one in front of a plain callable."""
    return reject if isinstance(reject, Desk) else Desk(name, reject)


class Quarantine:
    """The file of bad rows, one JSON object a line; made only when there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: list[str] = []
        if path is not None:
            path.unlink(missing_ok=True)  # an older run's rows are not this run's

    def __call__(self, reject: Reject) -> None:
        if self._path is None:
            return
        row = asdict(reject)
        if reject.value is not None:
            row["value"] = reject.value[:VALUE_LIMIT]
        self._rows.append(json.dumps(row, ensure_ascii=False))
        if len(self._rows) >= 10_000:
            self._flush()

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._path is not None and self._rows:
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(row + "\n" for row in self._rows)
            self._rows.clear()
