"""HTML as it is read: the words of a post, without its tags, by a parser and never by pattern.

Blocks and line breaks become line breaks. Nothing is loaded and nothing is run. The room knows
HTML, no platform.
"""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["plain"]

_BREAKS = {"br", "p", "div", "li", "blockquote", "h1", "h2", "h3", "pre", "tr"}
_UNSEEN = {"script", "style", "template", "head"}


def plain(markup: str) -> str:
    """The text a reader sees.

    >>> plain("<p>one &amp; two<br>three</p><p>four</p>")
    'one & two\\nthree\\nfour'
    """
    if "<" not in markup and "&" not in markup:
        return markup
    reader = _Reader()
    try:
        reader.feed(markup)
        reader.close()
    except (AssertionError, ValueError):  # the parser gives up on some declarations
        return markup
    lines = (line.strip() for line in "".join(reader.said).split("\n"))
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    """Collects what is said between the tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in _UNSEEN
        if tag in _BREAKS:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _UNSEEN and self.hidden > 0
        if tag in _BREAKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.said.append(data)
