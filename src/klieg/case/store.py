"""A case on disk: one SQLite file and one parquet of posts beside it, opened, written, replaced.

Acts without text, where a run had any, stand in a second parquet. All files are written under
temporary names and then renamed, so that a reader never meets half a case. Equal cases give equal
bytes. The room knows which files make a case and what may replace what; which value stands where is
for ``rows``, ``layers`` and ``columns``.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from klieg import memory
from klieg.case.columns import read_acts, read_posts, write_acts, write_posts
from klieg.case.layers import read_layers, write_layers
from klieg.case.rows import read_accounts, read_values, write_provenance, write_values
from klieg.case.whole import whole
from klieg.errors import KliegError, NotInCase, StoreError

if TYPE_CHECKING:
    from klieg.case.case import Case

__all__ = ["APPLICATION_ID", "acts_beside", "file_hashes", "load", "posts_beside", "save", "sha256"]

APPLICATION_ID = 0x6B6C6965  # "klie": PRAGMA application_id tells a case from other databases
_MAGIC = b"SQLite format 3\0"


def posts_beside(path: Path) -> Path:
    """The parquet of posts that belongs to a case: ``x.klieg.parquet`` beside ``x.klieg``."""
    return path.with_name(path.name + ".parquet")


def acts_beside(path: Path) -> Path:
    """The parquet of acts that belongs to a case that has any: ``x.klieg.acts.parquet``."""
    return path.with_name(path.name + ".acts.parquet")


def save(case: Case, path: str | Path, *, force: bool = False) -> None:
    """Write the case; an existing one is replaced only with ``force``, decided ones never.

    Raises StoreError where it may not or cannot be written.
    """
    path = Path(path)
    _may_write(path, force=force)
    if memory.short():
        memory.release()
    try:
        # the posts are renamed first: a reader that comes between meets the old case and a hash
        # that does not fit, never a new case over old posts
        with (
            whole(path) as database,
            whole(posts_beside(path)) as posts,
            _acts_file(path, case) as acts,
            ThreadPoolExecutor(1) as beside,
        ):
            # compressing posts and filling the database leave each other's core alone
            digest = beside.submit(_posts_hashed, posts, acts, case)
            if memory.short():  # but not each other's memory
                digest.result()
            with _new_database(database) as db:
                write_values(db, case)
                write_layers(db, case)
                write_provenance(db, case, *digest.result())
        if case.posts.acts is None:  # an older case's acts are not this one's
            acts_beside(path).unlink(missing_ok=True)
    except UnicodeEncodeError as error:
        raise StoreError(
            f"the case holds a text that is no Unicode ({error.reason}): {error.object!r:.80}"
        ) from error
    except (sqlite3.Error, pa.ArrowException) as error:
        raise StoreError(f"{path} could not be written: {error}") from error


@contextlib.contextmanager
def _acts_file(path: Path, case: Case) -> Iterator[Path | None]:
    """Where the acts are to be written; None where the case has none."""
    if case.posts.acts is None:
        yield None
    else:
        with whole(acts_beside(path)) as acts:
            yield acts


def _posts_hashed(file: Path, acts: Path | None, case: Case) -> tuple[str, str]:
    write_posts(file, case.posts, case.layers)
    if acts is None:
        return sha256(file), ""
    write_acts(acts, case.posts, case.layers)
    return sha256(file), sha256(acts)


def load(path: str | Path) -> dict[str, Any]:
    """Everything a ``Case`` is made of; older schemas are brought up to date in memory.

    Raises NotInCase if there is no such file, StoreError if it is no case or a damaged one.
    """
    path = Path(path)
    with _opened(path) as db:
        values = read_values(db)
        ids, platforms = read_accounts(db)
        resolution, digest, of_acts = db.execute(
            "select resolution, posts_sha256, acts_sha256 from run"
        ).fetchone()
        _must_belong(path, posts_beside(path), "posts", digest)
        posts, acts = read_posts(posts_beside(path), ids, platforms, resolution)
        if of_acts:
            _must_belong(path, acts_beside(path), "acts", of_acts)
            posts, acts = read_acts(acts_beside(path), posts, acts)
        return {**values, "posts": posts, "layers": read_layers(db, posts, acts)}


def _must_belong(path: Path, beside: Path, what: str, digest: str) -> None:
    if not beside.is_file():
        raise StoreError(f"{path} needs its {what}: put {beside.name} back beside it")
    if sha256(beside) != digest:
        raise StoreError(
            f"{beside} is not the one {path.name} was saved with: restore all files from the "
            "same run, or scan again"
        )


def file_hashes(path: str | Path) -> dict[str, str]:
    """SHA-256 of a saved case's files, under names that hold no path: klieg, parquet, acts."""
    path = Path(path)
    found = {"klieg": sha256(path), "parquet": sha256(posts_beside(path))}
    return found | ({"acts": sha256(acts)} if (acts := acts_beside(path)).is_file() else {})


def sha256(path: str | Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _new_database(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # a fixed page size, no journal and one transaction: equal rows give equal bytes
        db.execute("pragma page_size = 4096")
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        db.execute("pragma cache_size = -65536")
        db.execute("begin")
        _migrate(db)
        yield db
        db.execute("commit")
    finally:
        db.close()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    _must_be_a_case(path)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        db = _up_to_date(db, path)
        yield db
    except KliegError:
        raise
    except (sqlite3.Error, pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise StoreError(
            f"{path} is damaged ({error}): restore it from a copy, or scan again"
        ) from error
    finally:
        db.close()


def _must_be_a_case(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not a case: name the .klieg file")
    if not path.exists():
        raise NotInCase(f"there is no case {path}")
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if not head.startswith(_MAGIC):
        raise StoreError(f"{path} is not a case (no SQLite file): `klieg scan` makes one of posts")
    if int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise StoreError(f"{path} is a SQLite file, but not a case that klieg wrote")


def _up_to_date(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    (version,) = db.execute("pragma user_version").fetchone()
    newest = len(_migrations())
    if version > newest:
        db.close()
        raise StoreError(
            f"{path} was written by a newer klieg (schema {version}, this one knows {newest}): "
            "update klieg to open it"
        )
    if version == newest:
        return db
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    _migrate(copy)
    return copy


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("pragma user_version").fetchone()
    for number, script in enumerate(_migrations()[version:], start=version + 1):
        for statement in _statements(script):
            db.execute(statement)
        db.execute(f"pragma user_version = {number}")
    db.execute(f"pragma application_id = {APPLICATION_ID}")


def _migrations() -> list[str]:
    folder = files("klieg.case").joinpath("migrations")
    scripts = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in scripts]


def _statements(script: str) -> Iterator[str]:
    """Statements one by one: ``executescript`` would commit the transaction it runs in."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""


def _may_write(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder: name a file, such as {path / 'posts.klieg'}")
    if not path.parent.is_dir():
        raise StoreError(f"there is no folder {path.parent}: make it first")
    if path.exists():
        if not force:
            raise StoreError(f"{path} exists: choose another name, or replace it with force")
        _must_be_a_case(path)
        if decided := _decisions(path):
            raise StoreError(
                f"{path} holds {decided} decisions by people and is never replaced: "
                "choose another name"
            )
    elif not force:
        for beside in (posts_beside(path), acts_beside(path)):
            if beside.exists():
                raise StoreError(f"{beside} exists: choose another name, or use force")


def _decisions(path: Path) -> int:
    with _opened(path) as db:
        (count,) = db.execute(
            "select (select count(*) from decision) + (select count(*) from audit)"
        ).fetchone()
    return int(count)
