"""klieg network beside the coordination-network-toolkit on many small random tables: same edges?

``python benchmarks/bench_parity.py [--runs 600] [--seed 1] [--small] [--record FILE]`` installs
coordination-network-toolkit 1.5.2 (PyPI) in an environment of its own and asks it and klieg for the
same networks of tables made to be awkward: equal times and times at the window's edge, fractions,
repeated ids, reposts of oneself, empty cells, ids of 64 bits and in other scripts, floats for ids,
texts a token apart. Where klieg names a bug of the toolkit, the toolkit's answer must be that of
its rules told slowly with the bug left in (tests/parity/tools.py), and klieg's that of the same
rules without: so the bug is the whole difference. Prints a table and writes results/parity.csv;
any other difference is printed whole and ends the run with 1. ``--record`` keeps tables and the
toolkit's answers as lines of JSON, which the tests replay without it.

The toolkit's own functions and SQL are called, in one process: its pool of processes, which only
divides the accounts, is replaced by threads, for 0.4 s a run would go into starting it.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench_peers import PEER, VERSION, environment
from measure import save

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "parity"))
from tools import HEADER, cnt, cnt_as_it_is, edges, write

from klieg.parity import NETWORKS, network_like

SERVER = """
import json, os, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor
from coordination_network_toolkit import compute_networks as c
from coordination_network_toolkit.graph import get_edge_rows
from coordination_network_toolkit.preprocess import preprocess_csv_files

class Alone:
    def Lock(self):
        return threading.Lock()

c.mp.Manager, c.ProcessPoolExecutor = Alone, lambda max_workers: ThreadPoolExecutor(1)
compute = {
    "co_retweet": c.compute_co_retweet_parallel, "co_link": c.compute_co_link_network,
    "co_reply": c.compute_co_reply_network, "co_tweet": c.compute_co_tweet_network,
    "co_similar_tweet": c.compute_co_similar_tweet, "co_post": c.compute_co_post_network,
}
answers, sys.stdout = sys.stdout, open(os.devnull, "w")
for line in sys.stdin:
    asked = json.loads(line)
    network = asked.pop("network")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        database = folder + "/db"
        try:
            preprocess_csv_files(database, [asked.pop("file")])
            compute[network](database, **asked)
            rows = get_edge_rows(database, network, loops=False)
            found = {"edges": [[r[0], r[1], r[2]] for r in rows]}
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(found), file=answers, flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="60 runs, nothing written")
    parser.add_argument("--record", type=Path, help="keep tables and answers there")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "klieg-peers")
    chosen = parser.parse_args()
    runs = 60 if chosen.small else chosen.runs
    print(f"{runs} random tables, seed {chosen.seed}, beside {PEER} {VERSION}", flush=True)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    told: Counter[tuple[str, str]] = Counter()
    record: list[str] = []
    for case, answer in answered(runs, chosen.seed, environment(chosen.folder)):
        verdict = judged(case, answer)
        told[str(case["network"]), verdict] += 1
        record.append(json.dumps(case | answer, ensure_ascii=True))
        if verdict == "differs":
            print(json.dumps(case | answer), flush=True)
    table = [
        {"tool": f"{PEER} {VERSION}", "network": network, "verdict": verdict, "runs": n}
        for (network, verdict), n in sorted(told.items())
    ]
    for row in table:
        print(row)
    if chosen.record:
        chosen.record.write_text("\n".join(record) + "\n", encoding="utf-8")
    elif not chosen.small:
        print(save("parity", table, seed=chosen.seed))
    return int(any(verdict == "differs" for _, verdict in told))


def answered(runs: int, seed: int, python: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each case and what the toolkit says of it: edges, or an error."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [str(python), "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdin is not None
        assert server.stdout is not None
        for number in range(runs):
            case = a_case(random.Random(f"{seed} {number}"), NETWORKS[number % len(NETWORKS)])
            file = write(Path(folder) / "table.csv", HEADER, case["rows"])
            asked = {
                "network": case["network"],
                "file": str(file),
                "time_window": case["time_window"],
                "min_edge_weight": case["min_edge_weight"],
                "n_threads": 1,
            }
            if case["network"] == "co_similar_tweet":
                asked["similarity_threshold"] = case["similarity_threshold"]
            server.stdin.write(json.dumps(asked) + "\n")
            server.stdin.flush()
            yield case, json.loads(server.stdout.readline())
        server.stdin.close()
        server.wait()


WORDS = ("Vote", "vote", "NOW", "now", "the", "mat", "cat", ".", "don't", "é", "é", "漢字", "😀")


def a_case(random_: random.Random, network: str) -> dict[str, Any]:
    """A table of up to 40 messages and what is asked of it."""
    pick = random_.choice
    accounts = ["A", "B", "C", "D", "9007199254740993", "9007199254740992", "1.0", "1", "é", "é"]
    accounts = random_.sample(accounts, random_.randint(2, 5))
    window = pick([0, 1, 5, 10, 60, 0.3])
    fractions = pick(["", ".1", ".25", ".000001", ".7"])
    least_words = pick([0, 1, 1, 1])  # a text without a word ends the toolkit's run
    span = pick([int(window) + 1, 3 * int(window) + 3, 40])
    reposts = ["r1", "r1", "R1", "1580000000000000001"] if network == "co_retweet" else ["r1"]
    bases = [[pick(WORDS) for _ in range(random_.randint(1, 9))] for _ in range(3)]
    rows = []
    for number in range(pick([0, 8, 20, 40, 40])):
        time = str(pick([random_.randint(0, span), random_.randint(-3, 3) * int(window or 1)]))
        words = list(pick(bases))
        for _ in range(pick([0, 0, 1, 2])):
            words[random_.randrange(len(words))] = pick(WORDS)
        text = " ".join(words[: pick([99, 99, 99, random_.randint(least_words, 9)])])
        rows.append(
            [
                str(pick([number, number, number, random_.randint(0, 9), 1e15 + number])),
                pick(accounts),
                pick(["", "somebody"]),
                pick(["", "", "", *reposts, str(number)]),
                pick(["", "p1", "p 2", "p1 "]),
                pick(["", "@x ", "@x@y  "]) + text + pick(["", " ", "\u00a0"]),
                time + (fractions if random_.random() < 0.5 else ""),
                pick(["", " ", "u1", "u1 u2", "u2  u1", "u1 u1", "U1", "u3 u1 ", "é", "é"]),
            ]
        )
    return {
        "network": network,
        "time_window": window,
        "min_edge_weight": random_.choice([1, 1, 1, 2, 3]),
        "similarity_threshold": pick([0.5, 2 / 3, 0.75, 0.8, 0.9, 1.0]),
        "rows": rows,
    }


def judged(case: dict[str, Any], answer: dict[str, Any]) -> str:
    """Whether klieg and the toolkit agree; where not, whether a named bug is all of it."""
    rows, network, window = case["rows"], case["network"], case["time_window"]
    least, tau = case["min_edge_weight"], case["similarity_threshold"]
    more = {"similarity_threshold": tau} if network == "co_similar_tweet" else {}
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "table.csv", HEADER, rows)
        found = network_like(
            *(file,), like="cnt", network=network, time_window=window, min_edge_weight=least, **more
        )
        ours = edges(found)
    theirs = None if "error" in answer else {(a, b): (n,) for a, b, n in answer["edges"]}
    if ours == theirs:
        return "same edges" if not found.notes else "same edges, a bug told that changed none"
    with_bug = cnt_as_it_is(rows, network, window, least, tau)
    if theirs is None and "user-defined function" not in answer["error"]:
        return "differs"
    explained = theirs == with_bug and ours == cnt(rows, network, window, least, tau)
    return "a named bug is the whole difference" if explained and found.notes else "differs"


if __name__ == "__main__":
    sys.exit(main())
