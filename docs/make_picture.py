"""Draw the README's picture from a real run: a simulated world, scanned, one finding's raster.

Run as ``python docs/make_picture.py`` (``make picture``); writes docs/picture.svg, the same bytes
for the same version.
"""

from __future__ import annotations

from pathlib import Path

import klieg
from klieg.case.export.html import picture

SEED = 0


def main() -> None:
    """Scan the demo's world and keep the raster of its strongest coordinated finding."""
    world = klieg.simulate(seed=SEED)
    case = klieg.scan(world.posts)
    found = next(f for f in case.findings if f.class_ == "coordinated")
    path = Path(__file__).parent / "picture.svg"
    path.write_text(str(picture(case, found.id)), encoding="utf-8", newline="\n")
    print(f"{path}: {found.id}, {found.sentence}")


if __name__ == "__main__":
    main()
