"""What klieg network --network co_similar_tweet takes as texts grow, beside all pairs.

``python benchmarks/bench_similar.py [--rows 25000,50000,100000,200000] [--small]`` writes tweets of
some 16 words (popularity of 60,000 words ~ 1/rank; one text in 20 is a near copy of another) over
30 days by n/5 accounts, and asks for the network within an hour and over the whole time, at the
thresholds 0.9, 0.8 and 0.5 (0.5 within an hour only: half of every text is looked up there).
CPU seconds of reading and cutting into words, and of the join; beside them the pairs of texts that
comparing each with each in its window would look at. At the smallest size over the whole time the
edges are checked against that. Writes results/similar.csv.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np

from klieg.parity import network_like
from klieg.parity.wording import tokens
from measure import save

SEED = 7
DAY = 86_400
ASKED = [(3600, 0.9), (3600, 0.8), (3600, 0.5), (30 * DAY, 0.9), (30 * DAY, 0.8)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="25000,50000,100000,200000")
    parser.add_argument("--small", action="store_true", help="4,000 and 8,000 texts, nothing kept")
    chosen = parser.parse_args()
    sizes = [4_000, 8_000] if chosen.small else [int(n) for n in chosen.rows.split(",")]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder) / "check.csv")
        asked(write(1_000, Path(folder) / "warm.csv"), 60, 0.9)
        for n in sizes:
            file = write(n, Path(folder) / f"{n}.csv")
            for window, tau in ASKED:
                row = {"texts": n, "window_s": window, "threshold": tau, **asked(file, window, tau)}
                print(row, flush=True)
                rows.append(row)
    if not chosen.small:
        print(save("similar", rows, seed=SEED))


def asked(file: Path, window: int, tau: float) -> dict[str, object]:
    began = time.process_time()
    network = network_like(
        *(file,),
        like="cnt",
        network="co_similar_tweet",
        time_window=window,
        min_edge_weight=1,
        similarity_threshold=tau,
    )
    read = time.process_time()
    edges = network.to_table().num_rows
    return {
        "pairs_in_window": network.pairs // 2,
        "edges": edges,
        "read_cpu_s": round(read - began, 2),
        "join_cpu_s": round(time.process_time() - read, 2),
    }


def check(file: Path) -> None:
    """Every pair of 1,500 texts, compared one by one."""
    write(1_500, file)
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))[1:]
    texts = [tokens(row[5]) for row in rows]
    for tau in (0.9, 0.8, 0.5):
        matched: dict[tuple[str, str], set[int]] = {}
        for i, j in itertools.combinations(range(len(rows)), 2):
            a, b = rows[i][1], rows[j][1]
            if a != b and len(texts[i] & texts[j]) / len(texts[i] | texts[j]) >= tau:
                matched.setdefault((a, b), set()).add(i)
                matched.setdefault((b, a), set()).add(j)
        found = network_like(
            *(file,),
            like="cnt",
            network="co_similar_tweet",
            time_window=30 * DAY,
            min_edge_weight=1,
            similarity_threshold=tau,
        ).to_table()
        columns = [column.to_pylist() for column in found.columns]
        edges = {(a, b): n for a, b, n in zip(*columns, strict=True)}
        assert edges == {pair: len(messages) for pair, messages in matched.items()}, tau
        print(f"1,500 texts at {tau}: {len(edges):,} edges, those of all pairs", flush=True)


def write(n: int, path: Path) -> Path:
    rng = np.random.default_rng([SEED, n])
    share = np.arange(1, 60_001) ** -1.0
    length = np.clip(rng.poisson(16, n), 4, 40)
    words = rng.choice(len(share), int(length.sum()), p=share / share.sum())
    texts = np.split(words, np.cumsum(length)[:-1])
    for i in rng.choice(n, n // 20, replace=False):
        text = texts[rng.integers(n)].copy()
        if rng.random() < 0.5:
            text[rng.integers(len(text))] = rng.integers(len(share))
        texts[i] = text
    account, moment = rng.integers(0, n // 5, n), np.sort(rng.integers(0, 30 * DAY, n))
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        file.write("message_id,user_id,username,repost_id,reply_id,message,timestamp,urls\n")
        for i, text in enumerate(texts):
            said = " ".join(f"w{word}" for word in text)
            out.writerow([i, account[i], "", "", "", said, moment[i], ""])
    return path


if __name__ == "__main__":
    main()
