"""The hand-made cases as fixtures, and their module under a name every test can import."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from klieg.case import Case

if "case_worlds" not in sys.modules:  # tests are not a package: ``from case_worlds import …``
    _spec = importlib.util.spec_from_file_location(
        "case_worlds", Path(__file__).with_name("worlds.py")
    )
    assert _spec and _spec.loader
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["case_worlds"] = _module
    _spec.loader.exec_module(_module)


@pytest.fixture(autouse=True)
def keys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys of shared pseudonyms go to a scratch folder, never to the user's."""
    folder = tmp_path_factory.mktemp("keys")
    monkeypatch.setenv("KLIEG_KEYS", str(folder))
    return folder


@pytest.fixture
def case() -> Case:
    """Twelve posts, four accounts, two signals, one finding."""
    made: Case = sys.modules["case_worlds"].small_case()
    return made


@pytest.fixture
def quiet() -> Case:
    """The same posts, nothing found."""
    made: Case = sys.modules["case_worlds"].quiet_case()
    return made
