"""What is kept: the Case, its store on disk, and the exports. The door to the floor.

It names what stands behind it and knows nothing else.
"""

from klieg.case.case import Case
from klieg.case.run import Run

__all__ = ["Case", "Run"]
