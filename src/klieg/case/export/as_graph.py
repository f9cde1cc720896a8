"""GEXF 1.3 and GraphML of the coordination network, with typed attributes, through networkx.

Both load back in networkx with every attribute. Characters that XML forbids are written visibly
(``\\x00``), and no date stands in the file: equal networks are equal bytes. The room knows the
graph, not where it comes from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klieg.case.frames import REVIEW
from klieg.case.network import distinct

if TYPE_CHECKING:
    import networkx as nx

    from klieg.case.case import Case

__all__ = ["legal", "write_graph"]

# what XML 1.0 forbids, and the carriage return, which every reader turns into a line feed
_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")


def write_graph(case: Case, path: str | Path, *, format: str) -> None:  # noqa: A002
    """Write the network of a case as ``.gexf`` or ``.graphml``.

    Weak and validated edges both; their attribute ``validated`` says which.
    """
    graph = _legal_graph(case.network().to_networkx())
    graph.graph["name"] = "klieg coordination network"
    graph.graph["review"] = REVIEW
    if format == ".gexf":
        _write_gexf(graph, Path(path), case.run.version)
    else:
        import networkx as nx

        nx.write_graphml_xml(graph, path, infer_numeric_types=False)


def legal(text: str) -> str:
    """The text with what XML forbids written visibly: NUL becomes ``\\x00``."""
    return _ILLEGAL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


def _write_gexf(graph: nx.Graph[str], path: Path, version: str) -> None:
    from networkx.readwrite.gexf import GEXFWriter

    writer = GEXFWriter(encoding="utf-8", prettyprint=True, version="1.3")
    writer.add_graph(graph)
    meta = writer.xml.find("meta")
    meta.attrib.clear()  # networkx writes today's date
    meta.find("creator").text = f"klieg {version}"
    description = type(meta)("description")
    description.text = f"{graph.graph['name']}, {REVIEW}"
    meta.append(description)
    with path.open("wb") as file:
        writer.write(file)


def _legal_graph(graph: nx.Graph[str]) -> nx.Graph[str]:
    import networkx as nx

    names = dict(zip(graph, distinct(map(legal, graph)), strict=True))
    shown: nx.Graph[str] = nx.Graph()
    for node, attributes in graph.nodes(data=True):
        shown.add_node(names[node], **_legal_values(attributes))
    for a, b, attributes in graph.edges(data=True):
        shown.add_edge(names[a], names[b], **_legal_values(attributes))
    return shown


def _legal_values(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        legal(name): legal(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }
