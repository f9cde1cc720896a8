"""A network to a file, in the format its suffix names: CSV and Parquet streamed, graphs whole.

The room knows formats, not how the edges were counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from klieg import __version__
from klieg.case.export.as_graph import legal
from klieg.case.network import distinct
from klieg.case.whole import whole
from klieg.errors import ConfigError

if TYPE_CHECKING:
    import networkx as nx

    from klieg.parity.edges import LikeNetwork

__all__ = ["SUFFIXES", "write_csv", "write_network"]

SUFFIXES = (".csv", ".parquet", ".graphml", ".gexf")
_COMMA, _LINE_FEED, _NOTHING = (pa.scalar(text, pa.large_string()) for text in (",", "\n", ""))
MOST_DRAWN = 5_000_000
"""Edges a graph file may have: it is built in memory, about 1 KB an edge."""


def write_network(network: LikeNetwork, path: str | Path) -> int:
    """Write to ``path``, whole or not at all; how many edges. Raises ConfigError, StoreError."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("format", path.name, " | ".join(SUFFIXES))
    with whole(path) as file:
        if suffix == ".csv":
            with file.open("wb") as out:
                return write_csv(network, out)
        if suffix == ".parquet":
            return _write_parquet(network, file)
        return _write_graph(network, file, suffix)


def write_csv(network: LikeNetwork, out: IO[bytes]) -> int:
    """Write header and edges to an open binary file; how many edges."""
    out.write((",".join(network.schema.names) + "\n").encode())
    edges = 0
    for batch in network:
        ends = [_quoted(batch.column(i)) for i in (0, 1)]
        numbers = [pc.cast(_rounded(column), pa.string()) for column in batch.columns[2:]]
        cells = [pc.cast(column, pa.large_string()) for column in [*ends, *numbers]]
        lines = pc.binary_join_element_wise(*cells, _COMMA)
        out.write(pc.binary_join_element_wise(lines, _LINE_FEED, _NOTHING).buffers()[2])
        edges += batch.num_rows
    return edges


def _rounded(numbers: pa.Array) -> pa.Array:
    """Seconds to the microsecond; a Parquet file or a table holds them in full."""
    return pc.round(numbers, 6) if pa.types.is_floating(numbers.type) else numbers


def _quoted(names: pa.Array) -> pa.Array:
    """Names as cells: in quotes where they hold a comma, a quote or the end of a line."""
    odd = pc.match_substring_regex(names, '[,"\r\n]')
    if not pc.any(odd).as_py():
        return names
    doubled = pc.binary_join_element_wise('"', pc.replace_substring(names, '"', '""'), '"', "")
    return pc.if_else(odd, doubled, names)


def _write_parquet(network: LikeNetwork, file: Path) -> int:
    edges = 0
    with pq.ParquetWriter(file, network.schema, compression="zstd") as writer:
        for batch in network:
            writer.write_batch(batch)
            edges += batch.num_rows
    return edges


def _write_graph(network: LikeNetwork, file: Path, suffix: str) -> int:
    """Accounts as nodes (their id is the name), weights as attributes of the edges."""
    import networkx as nx

    graph = nx.DiGraph() if network.directed else nx.Graph()
    nodes = distinct(map(legal, network.names.to_pylist()))
    shown = dict(zip(network.names.to_pylist(), nodes, strict=True))
    edges = 0
    for batch in network:
        edges += batch.num_rows
        if edges > MOST_DRAWN:
            raise ConfigError(
                "format", suffix, f".csv or .parquet for a network of over {MOST_DRAWN:,} edges"
            )
        columns = [column.to_pylist() for column in batch.columns]
        for a, b, weight, *delay in zip(*columns, strict=True):
            attributes = {"weight": weight, **({"avg_time_delta": delay[0]} if delay else {})}
            graph.add_edge(shown[a], shown[b], **attributes)
    graph.graph["name"] = f"{network.network} as {network.like} counts it"
    if suffix == ".graphml":
        nx.write_graphml_xml(graph, file, infer_numeric_types=False)
    else:
        _write_gexf(graph, file)
    return edges


def _write_gexf(graph: nx.Graph[str], file: Path) -> None:
    from networkx.readwrite.gexf import GEXFWriter

    writer = GEXFWriter(encoding="utf-8", prettyprint=True, version="1.3")
    writer.add_graph(graph)
    meta = writer.xml.find("meta")
    meta.attrib.clear()  # networkx writes today's date
    meta.find("creator").text = f"klieg {__version__}"
    with file.open("wb") as out:
        writer.write(out)
