"""How likely a group that stands is a planned one, and each account one of it.

Plain numbers from a packaged file that ``benchmarks/fit_posteriors.py`` fits on simulated worlds of
one generator and tries on the other. The room fits nothing, and a probability is no verdict: it
holds for worlds like those, at the share of planned groups that is printed beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klieg.tables import Finding, Posterior

__all__ = ["added", "sentence"]


def added(finding: Finding, n_accounts: int) -> Finding:
    return finding


def sentence(found: Posterior) -> str:
    return ""
