"""A longer fuzzer, guided by which lines of klieg an input reaches; for a person, not for CI.

``pip install atheris``, then ``python tests/fuzz/guided.py zeeschuimer -max_total_time=600``. What
breaks a promise of ``trial`` is written to ``crash-…`` beside where it was started, and
``python tests/fuzz/guided.py zeeschuimer crash-…`` runs it again.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))  # tests are not a package

with atheris.instrument_imports(include=["klieg.sources"]):
    from trial import trial

    from klieg.config import Config
    from klieg.sockets import factory


def main() -> None:
    """Start from the importer's own examples and never stop, unless told to."""
    _, name, *options = sys.argv
    source = factory("sources", name)(Config())
    folder = Path(tempfile.mkdtemp(prefix="klieg-fuzz-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    for i, example in enumerate(source.examples()):
        (corpus / str(i)).write_bytes(example)
    again = [o for o in options if not o.startswith("-")]
    atheris.Setup(
        [sys.argv[0], *options, *([] if again else [str(corpus), "-max_len=8192"])],
        lambda content: trial(source, content, folder / "posts", whole=True) and None,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
