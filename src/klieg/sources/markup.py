"""HTML as it is read: the words of a post, without its tags, by a parser and never by pattern.

Blocks and line breaks become line breaks. Nothing is loaded and nothing is run. The room knows
HTML, no platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

__all__ = ["fits", "links", "plain"]

_BREAKS = {"br", "p", "div", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "tr"}
_UNSEEN = {"script", "style", "template", "head", "title", "noscript"}
_MOST_TAGS = 20_000  # a parser's time grows with the square of how deep tags lie in each other
_LONGEST = 1 << 20


def fits(markup: str) -> bool:
    """Whether this is a post's HTML: under a mebibyte, and of fewer than 20,000 tags."""
    return len(markup) <= _LONGEST and markup.count("<") <= _MOST_TAGS


def plain(markup: str) -> str:
    """The text a reader sees; what does not fit (``fits``) stays as it is.

    >>> plain("<p>one &amp; two<br>three</p><p>four</p>")
    'one & two\\nthree\\nfour'
    """
    if ("<" not in markup and "&" not in markup) or not fits(markup):
        return markup
    said: list[str] = []
    for node in _nodes(markup):
        if node.tag in _BREAKS or (node.prev is not None and node.prev.tag in _BREAKS):
            said.append("\n")
        if node.tag == "-text" and node.parent.tag not in _UNSEEN:
            said.append(node.text_content or "")
    lines = (line.strip() for line in "".join(said).split("\n"))
    return "\n".join(line for line in lines if line)


def links(markup: str) -> list[tuple[str, str]]:
    """``(address, classes)`` of every link, in order; none of what does not fit.

    >>> links('<a href="https://e.org/" class="u-url mention">@<span>ada</span></a>')
    [('https://e.org/', 'u-url mention')]
    """
    if "<" not in markup or not fits(markup):
        return []
    found = [(n.attributes.get("href"), n.attributes.get("class")) for n in _nodes(markup, "a")]
    return [(href, classes or "") for href, classes in found if href]


def _nodes(markup: str, tag: str = "") -> Iterator[Any]:
    body = LexborHTMLParser(markup.encode("utf-8", "replace").decode()).body
    if body is not None:
        for node in body.traverse(include_text=True):
            if not tag or node.tag == tag:
                yield node
