"""The coordination network of a case as a graph: accounts as nodes, one edge a pair.

Layers are attributes of an edge, never parallel edges, which drawing programs would sum. The room
knows no file format and no layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klieg.case.frames import strongest, surprise

if TYPE_CHECKING:
    import networkx as nx

    from klieg.case.case import Case
    from klieg.tables import Layer

__all__ = ["CoordinationNetwork", "distinct"]


@dataclass(frozen=True, slots=True, eq=False)
class CoordinationNetwork:
    """The kept edges of every layer over the accounts of a case."""

    case: Case

    @property
    def accounts(self) -> list[int]:
        """Indices of the accounts with an edge or a finding, ascending."""
        ends = [layer.scored.edges.left for layer in self.case.layers]
        ends += [layer.scored.edges.right for layer in self.case.layers]
        found = np.array(list(strongest(self.case.findings)), np.int32)
        return [int(a) for a in np.unique(np.concatenate([found, *ends]))]

    def to_networkx(self) -> nx.Graph[str]:
        """An undirected simple graph; nodes are account ids (``platform:id`` on many platforms).

        Nodes carry ``account_id, platform, posts`` (``acts`` too, if the run had any) and, where
        they are in a finding, ``findings, class, band`` (of the strongest). Edges carry ``layers,
        weight`` (largest surprise over the layers), ``validated`` and ``grouped`` (in any layer)
        and, per signal, ``<signal>_n``, ``<signal>_expected`` and ``<signal>_surprise`` at its best
        window.
        """
        import networkx as nx

        graph: nx.Graph[str] = nx.Graph()
        names = self._names()
        found = strongest(self.case.findings)
        everybody = self.case.posts.n_accounts
        posts = np.bincount(self.case.posts.account, minlength=everybody)
        acts = self.case.posts.acts
        done = np.bincount(acts.account, minlength=everybody) if acts else None
        for account in self.accounts:
            graph.add_node(
                names[account],
                account_id=self.case.posts.account_ids[account].as_py(),
                platform=self.case.posts.account_platforms[account].as_py(),
                posts=int(posts[account]),
            )
            if done is not None:
                graph.nodes[names[account]]["acts"] = int(done[account])
            if account in found:
                ids, class_, band = found[account]
                part = {"findings": "; ".join(ids), "class": class_, "band": band}
                graph.nodes[names[account]].update(part)
        for pair, attributes in sorted(self._edges().items()):
            graph.add_edge(names[pair[0]], names[pair[1]], **attributes)
        return graph

    def _names(self) -> list[str]:
        posts = self.case.posts
        ids, platforms = posts.account_ids.to_pylist(), posts.account_platforms.to_pylist()
        if len(set(platforms)) > 1:
            ids = [f"{platform}:{i}" for platform, i in zip(platforms, ids, strict=True)]
        return distinct(ids)

    def _edges(self) -> dict[tuple[int, int], dict[str, Any]]:
        edges: dict[tuple[int, int], dict[str, Any]] = {}
        for layer in self.case.layers:
            signal = layer.actions.signal
            for pair, n, expected, height, validated, grouped in _rows(layer):
                edge = edges.setdefault(
                    pair, {"layers": "", "weight": 0.0, "validated": False, "grouped": False}
                )
                edge["layers"] += f"; {signal}" if edge["layers"] else signal
                edge["weight"] = max(edge["weight"], height)
                edge["validated"] = edge["validated"] or validated
                edge["grouped"] = edge["grouped"] or grouped
                edge[f"{signal}_n"] = n
                edge[f"{signal}_expected"] = expected
                edge[f"{signal}_surprise"] = height
        return edges


def _rows(layer: Layer) -> Any:
    scored, edges = layer.scored, layer.scored.edges
    pick = (np.arange(edges.size), scored.best)
    pairs = zip(edges.left.tolist(), edges.right.tolist(), strict=True)
    return zip(
        pairs,
        edges.n[pick].tolist(),
        scored.expected[pick].tolist(),
        surprise(scored.p).tolist(),
        scored.validated.tolist(),
        scored.grouped.tolist(),
        strict=True,
    )


def distinct(names: Iterable[str]) -> list[str]:
    """The names, later ones of equal names told apart by their position."""
    seen: set[str] = set()
    told = []
    for i, name in enumerate(names):
        while name in seen:
            name = f"{name} ({i})"
        seen.add(name)
        told.append(name)
    return told
