"""What is kept: the Case, its store on disk, and the exports. The door to the floor.

It names what stands behind it and knows nothing else.
"""

from klieg.case.case import Case, open_case
from klieg.case.run import Run
from klieg.case.runfile import write_run
from klieg.case.share import pseudonymise
from klieg.case.store import file_hashes, sha256

__all__ = ["Case", "Run", "file_hashes", "open_case", "pseudonymise", "sha256", "write_run"]
