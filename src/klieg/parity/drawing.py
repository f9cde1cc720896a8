"""A network as GraphML or GEXF, through networkx: accounts are nodes, weights attributes of edges.

Both formats are written from a graph in memory, so very large networks are refused. The room knows
the two formats, not how the edges were counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter

from klieg import __version__
from klieg.case.export.as_graph import legal
from klieg.case.network import distinct
from klieg.errors import ConfigError

if TYPE_CHECKING:
    from klieg.parity.edges import LikeNetwork

__all__ = ["MOST_DRAWN", "write_graph"]

MOST_DRAWN = 5_000_000
"""Edges a graph file may have: it is built in memory, about 1 KB an edge."""


def write_graph(network: LikeNetwork, file: Path, suffix: str) -> int:
    """Write ``.graphml`` or ``.gexf``; how many edges. ConfigError above MOST_DRAWN edges."""
    graph: nx.Graph[str] = nx.DiGraph() if network.directed else nx.Graph()
    names = list(distinct(map(legal, network.names.to_pylist())))
    edges = 0
    for batch in network.count():
        edges += batch.size
        if edges > MOST_DRAWN:
            raise ConfigError(
                "format", suffix, f".csv or .parquet for a network of over {MOST_DRAWN:,} edges"
            )
        delays: list[Any] = [] if network.directed else network.delays(batch).tolist()
        ends = zip(batch.left.tolist(), batch.right.tolist(), batch.n.tolist(), strict=True)
        for i, (a, b, weight) in enumerate(ends):
            more = {"avg_time_delta": delays[i]} if delays else {}
            graph.add_edge(names[a], names[b], weight=weight, **more)
    graph.graph["name"] = f"{network.network}, counted as {network.like} does"
    if suffix == ".graphml":
        nx.write_graphml_xml(graph, file, infer_numeric_types=False)
    else:
        _write_gexf(graph, file)
    return edges


def _write_gexf(graph: nx.Graph[str], file: Path) -> None:
    writer = GEXFWriter(encoding="utf-8", prettyprint=True, version="1.3")
    writer.add_graph(graph)
    meta = writer.xml.find("meta")
    meta.attrib.clear()  # networkx writes today's date
    meta.find("creator").text = f"klieg {__version__}"
    with file.open("wb") as out:
        writer.write(out)
