"""The two tools as their semantics are told, slow and obvious, and the recorded cases of them."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections import Counter, defaultdict
from pathlib import Path

import regex

from klieg.parity import LikeNetwork, network_like

CASES = Path(__file__).with_name("cases")
HEADER = [
    *("message_id", "user_id", "username", "repost_id"),
    *("reply_id", "message", "timestamp", "urls"),
]
EVENTS = ["object_id", "account_id", "content_id", "timestamp_share"]

Edges = dict[tuple[str, str], tuple[float, ...]]


# --- the tools -----------------------------------------------------------------------------------


def clean(text: str) -> str:
    return " ".join(regex.sub(r"@[^\s]*", "", text.lower()).split())


def words(text: str) -> set[str]:
    """Cut at every word boundary; an apostrophe that opens a piece is lost."""
    text = regex.sub(r"@[^\s]*", "", text.lower())
    cuts = [0, *(m.start() for m in regex.finditer(r"(?wV1)\b", text)), len(text)]
    pieces = [text[a:b].lstrip(" ") for a, b in itertools.pairwise(cuts)]
    return {w for p in pieces for w in (p[1:] if p.startswith("'") else p).split()}


def cnt(rows: list[list[str]], network: str, window: float, least: int, tau: float) -> Edges:
    """rows: the toolkit's eight columns. Bugs mended: no empty link, no word, no dropped row."""
    kept: dict[str, list[str]] = {}
    for row in rows:
        kept.setdefault(row[0], row)
    things: dict[str, set[str]] = {}
    for m, (_, _, _, repost, reply, text, _, urls) in kept.items():
        if network == "co_post":
            things[m] = {"any"}
        elif network == "co_retweet":
            things[m] = {repost} - {""}
        elif repost == "":
            things[m] = {
                "co_reply": {reply} - {""},
                "co_link": set(urls.split(" ")) - {""},
                "co_tweet": {clean(text)},
                "co_similar_tweet": words(text),
            }[network]
    matched: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one, two in itertools.permutations(things, 2):
        a, b, t, u = kept[one][1], kept[two][1], float(kept[one][6]), float(kept[two][6])
        both = things[one] & things[two]
        alike = bool(both)
        if network == "co_similar_tweet":
            alike = bool(both) and len(both) / len(things[one] | things[two]) >= tau
        if a != b and alike and t - window <= u <= t + window:
            matched[a, b].add(one)
    return {pair: (len(m),) for pair, m in matched.items() if len(m) >= least}


def cnt_as_it_is(
    rows: list[list[str]], network: str, window: float, least: int, tau: float
) -> Edges | None:
    """What the toolkit 1.5.2 returns, its bugs included; None where it divides by zero.

    Every row that is no repost adds its links, also one whose message_id came before: under its
    own user and time, unless that message has the link already. "" is a link like others.
    """
    if network == "co_link":
        links: dict[tuple[str, str], tuple[str, float]] = {}
        for m, user, _, repost, _, _, t, urls in rows:
            for url in urls.split(" ") if repost == "" else []:
                links.setdefault((m, url), (user, float(t)))
        matched: dict[tuple[str, str], set[str]] = defaultdict(set)
        for ((m, url), (a, t1)), ((_, other), (b, t2)) in itertools.product(
            links.items(), repeat=2
        ):
            if a != b and url == other and t1 - window <= t2 <= t1 + window:
                matched[a, b].add(m)
        return {pair: (len(m),) for pair, m in matched.items() if len(m) >= least}
    if network == "co_similar_tweet":
        kept = {row[0]: row for row in reversed(rows)}.values()
        looked_at = [row for row in kept if row[3] == ""]
        often = Counter(row[1] for row in looked_at)
        for _, user, _, _, _, text, t, _ in looked_at:
            # a message is compared with itself too, so one without a word is enough
            if not words(text) and not math.isnan(float(t)) and often[user] >= least:
                return None
    return cnt(rows, network, window, least, tau)


def coortweet(
    modalities: list[list[list[str | None]]],
    window: float,
    least: int,
    *,
    fast: float | None = None,
    keep_loops: bool = False,
) -> Edges:
    """rows of each modality: object, account, content, time. As detect_groups of 2.1.3 has it."""
    delays: dict[tuple[str, str], list[float]] = defaultdict(list)
    for every in modalities:
        rows_of = Counter(row[1] for row in every)
        rows = [row for row in every if rows_of[row[1]] >= least]
        pairs = []
        for one, two in itertools.combinations(rows, 2):
            (o, a, c, t), (p, b, d, u) = one, two
            apart = abs(float(t) - float(u))
            loop = a == b or c == d or o in (c, d)
            missing = None in one or None in two
            if o == p and not missing and (keep_loops or not loop) and apart <= window:
                pairs.append((a, b, c, d, apart))
        pairs = _taking_part(rows, pairs, least)
        if fast is not None:
            pairs = _taking_part(rows, [pair for pair in pairs if pair[4] <= fast], least)
        for a, b, _, _, apart in pairs:
            delays[min(a, b), max(a, b)].append(apart)
    return {pair: (len(d), sum(d) / len(d)) for pair, d in delays.items()}


def _taking_part(rows: list, pairs: list, least: int) -> list:
    """filter_min_participation: by the contents of accounts with enough rows of paired contents."""
    contents = {content for pair in pairs for content in pair[2:4]}
    taking = [row for row in rows if row[2] in contents]
    active = Counter(row[1] for row in taking)
    listed = {row[2] for row in taking if active[row[1]] >= least}
    return [pair for pair in pairs if pair[2] in listed or pair[3] in listed]


# --- asking klieg ---------------------------------------------------------------------------------


def edges(network: LikeNetwork) -> Edges:
    """The edges as a dictionary; every pair once, in order of names, none a loop."""
    found = edges_and_loops(network)
    assert all(a != b for a, b in found)
    return found


def edges_and_loops(network: LikeNetwork) -> Edges:
    table = network.to_table()
    columns = [column.to_pylist() for column in table.columns]
    pairs = list(zip(*columns[:2], strict=True))
    assert len(set(pairs)) == len(pairs)
    assert pairs == sorted(pairs, key=lambda p: (p[0].encode(), p[1].encode()))
    return dict(zip(pairs, zip(*columns[2:], strict=True), strict=True))


def close(found: Edges, wanted: Edges, digits: float = 1e-6) -> bool:
    """The same pairs and weights; mean delays, where recorded, to the microsecond as they are."""
    return found.keys() == wanted.keys() and all(
        math.isclose(x, y, rel_tol=0, abs_tol=digits)
        for pair in wanted
        for x, y in zip(found[pair], wanted[pair], strict=False)
    )


def write(path: Path, header: list[str], rows: list[list[str]], **how: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **{"lineterminator": "\n", **how})
        writer.writerow(header)
        writer.writerows(rows)
    return path


# --- recorded cases -------------------------------------------------------------------------------


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def told(row: dict[str, str]) -> str:
    """A case in a few words: the name of its test."""
    which = row["network"].split()[0] if is_cnt(row) else "coortweet"
    more = row["options"].replace('"', "") + row["min_participation"] + row["min_edge_weight"]
    return f"{which}-{row['input'].replace('/', '.')}-{row['time_window']}-{more}"


def is_cnt(row: dict[str, str]) -> bool:
    return row["peer"].lower().startswith(("cnt", "coord"))


def asked(row: dict[str, str]) -> dict[str, object]:
    """The parameters of a run as ``network_like`` takes them."""
    if is_cnt(row):
        options = json.loads(row.get("options") or "{}")
        return {
            "like": "cnt",
            "network": row["network"].split()[0],
            "time_window": float(row["time_window"]),
            "min_edge_weight": int(row["min_edge_weight"]),
            **options,
        }
    return {
        "like": "coortweet",
        "time_window": float(row["time_window"]),
        "min_participation": int(row["min_participation"]),
    }


def inputs(folder: Path, inputs_: Path, row: dict[str, str]) -> list[Path]:
    if " + " not in row["input"]:
        return [inputs_ / f"{row['input']}.csv"]
    first, *others = row["input"].split(" + ")
    names = [Path(first).name, *others]
    return [folder / Path(first).parent / f"{name}.csv.gz" for name in names]


def expected(folder: Path, row: dict[str, str]) -> Edges:
    if not row["expected"]:
        return {}
    with (folder / "expected" / row["expected"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {(a, b): tuple(map(float, more)) for a, b, *more in rows}


# where klieg must differ from what was recorded: what the tool errs on, and what is right
MENDED = {
    "text_link_empty": {("C", "D"): (1.0,), ("D", "C"): (1.0,)},
    "text_dupid": {("A", "B"): (1.0,), ("B", "A"): (1.0,)},
}


def right(folder: Path, row: dict[str, str]) -> Edges:
    return MENDED.get(row["input"]) or expected(folder, row)


def check_case(folder: Path, inputs_: Path, row: dict[str, str]) -> None:
    """One run: its edges, and those above every recorded quantile."""
    files, parameters = inputs(folder, inputs_, row), asked(row)
    wanted = right(folder, row)
    found = network_like(files, **parameters)
    assert close(edges(found), wanted)
    assert bool(found.notes) == row["input"].endswith(("_empty", "_dupid"))
    for q, recorded in json.loads(row.get("quantiles") or "{}").items():
        above = network_like(files, **parameters, edge_weight=float(q))
        assert above.threshold is not None
        assert math.isclose(above.threshold, recorded["threshold"], abs_tol=1e-9)
        kept = edges(above)
        assert len(kept) == recorded["edges"]
        assert len({account for pair in kept for account in pair}) == recorded["nodes"]
        assert all(close({p: kept[p]}, {p: wanted[p]}) for p in kept)
