"""Hand-made posts for the baselines: six who repost five posts together, thirty who do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from klieg.tables import POSTS, SECOND, TIME, Posts

CREW = tuple(f"c{i}" for i in range(6))
OTHERS = tuple(f"o{i}" for i in range(30))


def crew_world() -> Posts:
    """Members repost p0 … p4 within 5 s of each other; others repost two posts, hours apart.

    Every member and every fifth other reposts twice as much on its own besides.
    """
    rows: list[tuple[str, str, int]] = []
    for k in range(5):
        rows += [(a, f"p{k}", 100_000 * k + i) for i, a in enumerate(CREW)]
    for i, a in enumerate(OTHERS):
        rows += [(a, f"p{i % 5}", 100_000 * (i % 5) + 3600 * (i + 2)), (a, f"q{i % 7}", 5000 * i)]
    return posts_of(rows)


def posts_of(rows: list[tuple[str, str, int]]) -> Posts:
    """Reposts (who, of which post, second)."""
    rows = sorted(rows, key=lambda r: r[2])
    names = list(dict.fromkeys(r[0] for r in rows))
    n = len(rows)
    time = np.array([r[2] for r in rows], np.int64) * SECOND
    columns: dict[str, pa.Array] = {
        "platform": pa.array(["x"] * n),
        "post_id": pa.array([f"{a}-{i}" for i, (a, _, _) in enumerate(rows)]),
        "account_id": pa.array([r[0] for r in rows]),
        "time": pa.array(time).cast(TIME),
        "kind": pa.array(["repost"] * n),
        "repost_of": pa.array([r[1] for r in rows]),
    }
    table = pa.table([columns.get(f.name, pa.nulls(n, f.type)) for f in POSTS], schema=POSTS)
    account = np.array([names.index(r[0]) for r in rows], np.int32)
    return Posts(table, account, time, pa.array(names), pa.array(["x"] * len(names)), 0)


def wide_world() -> list[tuple[str, str, int]]:
    """The crew reposts r0 … r11 within a minute each, days apart; 300 others repost by chance.

    Two or three others are on each of these posts as well, hours later.
    """
    rng = np.random.default_rng(7)
    rows = [(a, f"r{k}", 90_000 * k + 9 * i) for k in range(12) for i, a in enumerate(CREW)]
    for i in range(300):
        chosen = rng.choice(150, 4, replace=False)
        when = 90_000 * (chosen % 12) + rng.integers(60_000, size=4)
        rows += [(f"w{i}", f"r{p}", int(t)) for p, t in zip(chosen, when, strict=True)]
    return rows
