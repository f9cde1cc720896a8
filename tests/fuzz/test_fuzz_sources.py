"""A fuzzer for each importer: damaged examples are read, and every promise of ``trial`` holds.

In the suite a short form that always draws the same; ``KLIEG_FUZZ_SECONDS=10 pytest tests/fuzz``
runs each importer's fuzzer for so long, with new draws each time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.errors import KliegError
from klieg.sockets import factory, names
from klieg.sources.desk import desk_of
from klieg.sources.inputs import unpacked
from klieg.sources.rows import pack
from klieg.tables import Reject

from .mutations import damaged
from .trial import trial

SECONDS = float(os.environ.get("KLIEG_FUZZ_SECONDS", "0"))
SHORT, ROUND = 24, 250  # examples of the short form, and of each round of the long one


def fuzz(
    source: Any,
    path: Path,
    *,
    examples: int,
    derandomize: bool,
    number: int = 0,
    phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
) -> None:
    """Read damaged examples; Hypothesis shows the smallest damage that breaks a promise."""

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        report_multiple_bugs=False,
        phases=phases,
    )
    @given(st.data())
    def promises_hold(data: st.DataObject) -> None:
        example = data.draw(st.sampled_from(source.examples()))
        content = damaged(example, data.draw)
        trial(source, content, path, whole=data.draw(st.integers(0, 3)) == 0)

    (promises_hold if derandomize else seed(number)(promises_hold))()


@pytest.mark.parametrize("name", names("sources"))
def test_fuzz_importer_keeps_its_promises(name: str, tmp_path: Path) -> None:
    source = factory("sources", name)(Config())
    if not SECONDS:
        fuzz(source, tmp_path / "posts", examples=SHORT, derandomize=True)
        return
    start, rounds = time.monotonic(), 0
    first = time.time_ns() % 2**32
    while time.monotonic() - start < SECONDS:
        number = first + rounds
        fuzz(source, tmp_path / "posts", examples=ROUND, derandomize=False, number=number)
        rounds += 1
    print(f"{name}: {rounds * ROUND} damaged inputs, seeds from {first}, 0 broken promises")


# --- the fuzzer itself can fail ------------------------------------------------------------------


class Lines:
    """An importer of ``time account text`` that keeps every promise; the others break one each."""

    name = "lines"

    def sniff(self, head: bytes, name: str) -> float:
        return 0.9

    def read(self, input: Any, mapping: object, reject: Any) -> Iterator[pa.RecordBatch]:  # noqa: A002
        desk = desk_of(reject, input.name)
        with unpacked(input, desk) as plain:
            stream = self.posts(plain, desk)
            yield from pack(stream, desk, file="f", platform="p", resolution=1)

    def posts(self, plain: Any, desk: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(plain.path.read_bytes().split(b"\n"), 1):
            desk.rows += 1
            parts = line.decode("utf-8", "replace").split(" ", 2)
            if len(parts) == 3:
                yield number, self.post(*parts)
            else:
                desk(Reject(plain.name, number, None, None, "not_three_words"))

    def post(self, when: str, who: str, said: str) -> dict[str, Any]:
        return {"time": when, "account_id": who, "text": said}

    def examples(self) -> Sequence[bytes]:
        return [b"2024-05-01T10:00:00Z ada hello all\n" * 9]


class Crashes(Lines):
    def post(self, when: str, who: str, said: str) -> dict[str, Any]:
        assert when[:4] == "2024" or when[:4] != "hell"
        return {"time": when, "account_id": who, "text": said, "hashtags": [said.split(" ")[1]]}


class LosesRows(Lines):
    def posts(self, plain: Any, desk: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(plain.path.read_bytes().split(b"\n"), 1):
            desk.rows += 1
            parts = line.decode("utf-8", "replace").split(" ", 2)
            if len(parts) == 3:
                yield number, self.post(*parts)


class MakesAccounts(Lines):
    def post(self, when: str, who: str, said: str) -> dict[str, Any]:
        return {"time": when, "account_id": "somebody", "text": said}


class KnowsItsPiece(Lines):
    def read(self, input: Any, mapping: object, reject: Any) -> Iterator[pa.RecordBatch]:  # noqa: A002
        for batch in super().read(input, mapping, reject):
            yield batch.slice(0, max(batch.num_rows, 5))
            if batch.num_rows < 4:
                return


@pytest.mark.parametrize("kind", [Crashes, LosesRows, MakesAccounts, KnowsItsPiece])
def test_fuzz_finds_a_broken_promise(kind: type[Lines], tmp_path: Path) -> None:
    with pytest.raises((AssertionError, IndexError)) as broken:
        fuzz(kind(), tmp_path / "posts", examples=100, derandomize=True, phases=(Phase.generate,))
    assert not isinstance(broken.value, KliegError)


def test_fuzz_finds_nothing_where_nothing_is_broken(tmp_path: Path) -> None:
    fuzz(Lines(), tmp_path / "posts", examples=40, derandomize=True)
