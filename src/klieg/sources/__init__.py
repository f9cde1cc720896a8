"""Posts in: any known format becomes canonical posts, and every row is accounted for.

The door of the floor: ``read`` for whole inputs, ``preview`` for a dry run, ``assemble`` for Arrow
tables. Formats register as entry points (``klieg.sources``). The floor knows formats and columns;
it knows nothing of signals or findings.
"""

from klieg.sources.assembly import assemble
from klieg.sources.inputs import open_input
from klieg.sources.limits import Room, within
from klieg.sources.reading import preview, read, recognise
from klieg.sources.shelf import lies_on_disk

__all__ = [
    "Room",
    "assemble",
    "lies_on_disk",
    "open_input",
    "preview",
    "read",
    "recognise",
    "within",
]
