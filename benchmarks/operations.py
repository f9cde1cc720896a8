"""What of a real operation is measured, one function a table: used by bench_operations.

Every function reads the folder named by KLIEG_DATA and gives rows of plain values. Accounts are
split by a hash of their id and posts by the parity of their day; what was chosen looking at one
half is reported on the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import klieg
from klieg import pipeline
from klieg.case import Case
from klieg.config import Config
from klieg.evaluation.baselines import OURS, opinions
from klieg.evaluation.baselines import methods as ours
from klieg.evaluation.heads import features, held_out
from klieg.evaluation.joint import joint_behaviour
from klieg.evaluation.ranking import matched_auc, per_account_auc, rank_auc
from klieg.tables import MULTIPLEX, Posts
from real_data import DATA, operation

Row = dict[str, object]

SETS: Mapping[str, tuple[str, ...]] = {
    "mix_airline_2015": ("mix_airline_2015.parquet",),
    "io_ira in organic": ("io_ira_twitter_dev.parquet", "organic_twitter_dev.parquet"),
    "organic": ("organic_twitter_dev.parquet",),
    "german_elections": ("german_elections.parquet",),
}
DAY = 86_400_000_000
RESAMPLED = 200
"""Bootstrap resamples of accounts behind an interval."""


@lru_cache(maxsize=2)
def scanned(name: str, days: str = "all", level: float = 0.01) -> Case:
    """A case of one set, of every day or of the even or odd ones."""
    config = Config(shuffles=0, controls=0, false_alarms=level)
    posts, _ = pipeline.read([DATA / f for f in SETS[name]], config=config)
    return pipeline.scan(_days(posts, days), config=config)


def _days(posts: Posts, days: str) -> pa.Table:
    if days == "all":
        return posts.table
    wanted = posts.time // DAY % 2 == ("even", "odd").index(days)
    return posts.table.filter(pa.array(wanted))


def halves(case: Case) -> np.ndarray:
    """(A,) 0: what was chosen looked at the account; 1: it did not."""
    return np.array([crc32(str(i).encode()) % 2 for i in case.posts.account_ids.to_pylist()])


def labelled(case: Case, name: str) -> np.ndarray:
    """(A,) accounts that the data set's authors attribute to the operation."""
    known = operation(DATA / SETS[name][0])
    return np.array([str(i) in known for i in case.posts.account_ids.to_pylist()], bool)


def volumes(case: Case) -> np.ndarray:
    return np.bincount(case.posts.account, minlength=case.posts.n_accounts)


# --- ranking -------------------------------------------------------------------------------------


def ranking(name: str, days: str, resampled: int = RESAMPLED) -> list[Row]:
    """Every method on the accounts that nothing was chosen on, and on the others, apart."""
    case = scanned(name, days)
    positive, volume, half = labelled(case, name), volumes(case), halves(case)
    said = {**ours(case), **opinions(case.posts)}
    rows: list[Row] = []
    for part, mask in (("reported on", half == 1), ("chosen on", half == 0)):
        scores = {m: s[mask] for m, (s, _) in said.items()}
        leads = _leads(scores, positive[mask], volume[mask], resampled)
        for method, (score, named) in said.items():
            s, p, v = score[mask], positive[mask], volume[mask]
            right = int((named[mask] & p).sum())
            rows.append(
                {
                    "data": name,
                    "days": days,
                    "accounts": part,
                    "method": method,
                    "n": int(mask.sum()),
                    "operation": int(p.sum()),
                    "auc": short(rank_auc(s, p)),
                    "auc_matched": short(matched_auc(s, p, v)),
                    "auc_per_account": short(per_account_auc(s, p, v)),
                    "named": int(named[mask].sum()),
                    "right": right,
                    "precision": short(right / named[mask].sum() if named[mask].any() else np.nan),
                    "recall": short(right / p.sum()),
                    **leads.get(method, dict.fromkeys(LEAD, "")),
                }
            )
    return rows


LEAD = ("best_baseline", "lead", "lead_low", "lead_high", "lead_per_account", "lpa_low", "lpa_high")


def _leads(
    scores: Mapping[str, np.ndarray], positive: np.ndarray, volume: np.ndarray, resampled: int
) -> dict[str, Row]:
    """klieg's lead over the baseline that is best on these accounts, with 95 % of the bootstrap.

    Which baseline is best is decided anew in every resample: that favours the baselines. The coin
    is none of them: its row shows what few accounts can do by chance.
    """
    mine = [m for m in scores if m in OURS]
    others = [m for m in scores if m not in OURS and m != "random"]
    rng = np.random.default_rng(0)
    drawn = [np.arange(len(positive))]
    drawn += [rng.integers(len(positive), size=len(positive)) for _ in range(resampled)]
    values: dict[str, list[tuple[float, float]]] = {m: [] for m in scores}
    for rows in drawn:
        for method, score in scores.items():
            told = score[rows], positive[rows], volume[rows]
            values[method].append((matched_auc(*told), per_account_auc(*told)))
    table = {m: np.array(v) for m, v in values.items()}
    ceiling = np.max([table[m] for m in others], axis=0)
    best = max(others, key=lambda m: table[m][0, 0])
    out: dict[str, Row] = {}
    for method in mine:
        lead = table[method] - ceiling
        row: Row = {"best_baseline": best}
        for i, (name, low, high) in enumerate((LEAD[1:4], LEAD[4:])):
            bounds = np.nanquantile(lead[1:, i], (0.025, 0.975)) if resampled else (np.nan,) * 2
            row |= {name: short(lead[0, i]), low: short(bounds[0]), high: short(bounds[1])}
        out[method] = row
    return out


# --- supervised heads ----------------------------------------------------------------------------


def heads(name: str, *, leave_out: bool = True) -> list[Row]:
    """Trained on half of the accounts on even days, asked about the other half on odd days.

    An operation and the traffic beside it were collected apart, so how much of which kind an
    account does tells them apart as well: ``acts by signal`` shows how far that goes, and klieg's
    features without it stand beside all of them.
    """
    sides = []
    for days in ("even", "odd"):
        case = scanned(name, days)
        volume = np.log1p(volumes(case))[:, None]
        told = opinions(case.posts)
        columns = {m: np.column_stack([s, volume]) for m, (s, _) in told.items()}
        columns["volume"] = volume
        columns["all baselines"] = np.column_stack([*(s for s, _ in told.values()), volume])
        value, names = features(case)
        shape = (": acts", "share with others", "entropy of signals")
        kinds_of_acts = np.array([n.endswith(shape) for n in names])
        columns["klieg"] = value
        # what collections differ in by themselves, and what is left without it
        columns["acts by signal"] = np.column_stack([value[:, kinds_of_acts], volume])
        columns["klieg, joint behaviour alone"] = value[:, ~kinds_of_acts]
        sides.append((case, columns, labelled(case, name), halves(case)))
    (here, known, truth, half), (there, asked, said, other) = sides
    kinds = _kinds(name)
    of = np.array([kinds.get(str(i), "") for i in here.posts.account_ids.to_pylist()], object)
    at = np.array([kinds.get(str(i), "") for i in there.posts.account_ids.to_pylist()], object)
    out: list[Row] = []
    for left in ["", *(sorted(set(kinds.values())) if leave_out else ())]:
        train = (half == 0) & ~(truth & (of == left) & (left != ""))
        test = (other == 1) & ~(said & (at != left) & (left != ""))
        if (truth & train).sum() < 5 or (said & test).sum() < 5:
            continue
        for method in known if not left else HEADS_LEFT_OUT:
            got = held_out(
                known[method],
                truth,
                train,
                test,
                volumes(here),
                elsewhere=(asked[method], said, volumes(there)),
            )
            out.append(
                {
                    "data": name,
                    "left_out": left or "nothing",
                    "features": method,
                    "trained": got.trained,
                    "asked": got.asked,
                    "operation": got.positive,
                    "precision": short(got.precision),
                    "recall": short(got.recall),
                    "f1": short(got.f1),
                    "auc": short(got.auc),
                    "auc_matched": short(got.auc_matched),
                }
            )
    return out


HEADS_LEFT_OUT = (
    *("volume", "acts by signal", "NPMI", "degree", "CooRTweet, 10 s", "all baselines"),
    *("klieg", "klieg, joint behaviour alone"),
)


@lru_cache(maxsize=2)
def _kinds(name: str) -> dict[str, str]:
    """The role most posts of an account of the operation have."""
    path = DATA / SETS[name][0]
    if "category" not in pq.read_schema(path).names:
        return {}
    known, counts = operation(path), defaultdict[str, Counter[str]](Counter)
    for r in pq.read_table(path, columns=["account", "category"]).to_pylist():
        if str(r["account"]) in known and r["category"]:
            counts[str(r["account"])][str(r["category"])] += 1
    return {a: c.most_common(1)[0][0] for a, c in counts.items()}


# --- who is missed -------------------------------------------------------------------------------


def missed(name: str) -> list[Row]:
    """The operation's accounts, in findings and not, by role: what each lot has in common."""
    case = scanned(name)
    mine, volume, kinds = labelled(case, name), volumes(case), _kinds(name)
    role = np.array([kinds.get(str(i), "") for i in case.posts.account_ids.to_pylist()], object)
    standing = np.zeros(len(mine), bool)
    for finding in case.findings:
        standing[[m.account for m in finding.members]] = True
    joint = joint_behaviour(case)
    facts = _facts(case, mine)
    rows: list[Row] = []
    for which in ["all", *sorted(set(role[mine]))]:
        here = mine & ((role == which) | (which == "all"))
        for lot, rest in (("in findings", standing), ("missed", ~standing)):
            some = here & rest
            if not some.any():
                continue
            rows.append(
                {
                    "data": name,
                    "role": which or "unknown",
                    "lot": lot,
                    "accounts": int(some.sum()),
                    "posts_median": int(np.median(volume[some])),
                    "under_10_posts": share(volume[some] < 10),
                    "with_evidence": share(joint.evidence[some] > 0),
                    "with_company": share(joint.company[some] > 0),
                    **{key: share(value[some]) for key, value in facts.items()},
                }
            )
    return rows


def _facts(case: Case, mine: np.ndarray) -> dict[str, np.ndarray]:
    """What may keep an account unseen, as far as the layers tell."""
    n = case.posts.n_accounts
    meets, twice, able = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    partners: Counter[tuple[int, int]] = Counter()
    for layer in case.layers:
        if layer.stat.signal in (MULTIPLEX, "domain", "mention"):
            continue
        a = layer.actions
        inside = mine[a.account]
        pair = np.unique(np.stack([a.object[inside], a.account[inside]]), axis=1)
        crowd = np.bincount(pair[0], minlength=a.n_objects)
        with_others = pair[1][crowd[pair[0]] > 1]
        meets[with_others] = True
        able[np.flatnonzero(np.bincount(a.account, minlength=n) >= 2)] = True
        for thing in np.flatnonzero((crowd > 1) & (crowd <= 60)):
            there = pair[1][pair[0] == thing] if crowd[thing] else ()
            for i, one in enumerate(there):
                partners.update((int(one), int(other)) for other in there[i + 1 :])
    for (one, other), times in partners.items():
        if times >= 2:
            twice[[one, other]] = True
    return {
        "two_acts_in_a_signal": able,
        "shares_an_object": meets,
        "shares_two_with_one": twice,
    }


# --- what coarse clocks and missing ids cost -----------------------------------------------------


def clocks(seed: int) -> list[Row]:
    """One simulated world as it is, with times to the minute, with reposts by text only, both."""
    from klieg.evaluation import evaluate
    from klieg.sources.simulate import Campaign, simulate

    crews = [
        Campaign("repost", 20, 10, jitter_s=60),
        Campaign("repost", 20, 10, jitter_s=600),
        Campaign("repost", 40, 5, jitter_s=3600),
        Campaign("copies", 18, 8, jitter_s=1800),
        Campaign("link", 20, 10, jitter_s=600),
    ]
    world = simulate(seed=seed, accounts=3000, days=14, campaigns=crews)
    rows: list[Row] = []
    for variant in ("as it is", "minutes", "no ids", "minutes, no ids"):
        table = world.posts
        if "no ids" in variant:
            table = _by_text(table)
        if "minutes" in variant:
            table = _to_minutes(table)
        scores = evaluate(klieg.scan(table, config=Config(shuffles=0, controls=0)), world.truth)
        for crew, score in zip(crews, scores.campaigns, strict=True):
            rows.append(
                {
                    "data": "simulated",
                    "seed": seed,
                    "variant": variant,
                    "kind": crew.kind,
                    "accounts": crew.size,
                    "acts": crew.acts,
                    "jitter_s": int(crew.jitter_s),
                    "found": int(score.found),
                    "coordinated": int(score.coordinated),
                    "recall": short(score.recall),
                    "purity": short(score.purity),
                }
            )
    return rows


def real_clocks(name: str) -> list[Row]:
    """Real posts as they are and with times to the minute: what stands, what is coordinated."""
    config = Config(shuffles=0, controls=0)
    posts, _ = pipeline.read([DATA / f for f in SETS[name]], config=config)
    rows: list[Row] = []
    for variant, table in (("as it is", posts.table), ("minutes", _to_minutes(posts.table))):
        case = klieg.scan(table, config=config)
        inside = {m.account for f in case.findings for m in f.members}
        rows.append(
            {
                "data": name,
                "variant": variant,
                "found": len(case.findings),
                "coordinated": sum(f.class_ == "coordinated" for f in case.findings),
                "accounts": len(inside),
                "validated": sum(
                    x.stat.validated for x in case.layers if x.stat.signal != MULTIPLEX
                ),
            }
        )
    return rows


def _to_minutes(table: pa.Table) -> pa.Table:
    i, j = table.schema.get_field_index("time"), table.schema.get_field_index("resolution")
    floored = pc.floor_temporal(table["time"], 1, "minute").cast(table.schema.field(i).type)
    coarse = pa.array(np.full(table.num_rows, 60, np.int32))
    return table.set_column(i, table.schema.field(i), floored).set_column(
        j, table.schema.field(j), coarse
    )


def _by_text(table: pa.Table) -> pa.Table:
    """Reposts that say the text they pass on and not the post's id, as some archives do."""
    rows = table.select(["post_id", "account_id", "text", "repost_of"]).to_pylist()
    said = {r["post_id"]: (r["account_id"], r["text"]) for r in rows}
    text = [
        f"RT @{said[r['repost_of']][0]}: {said[r['repost_of']][1]}"
        if r["repost_of"] in said
        else r["text"]
        for r in rows
    ]
    for name, values in (
        ("text", pa.array(text, pa.string())),
        ("repost_of", pa.nulls(len(rows), pa.string())),
        ("repost_of_account", pa.nulls(len(rows), pa.string())),
    ):
        i = table.schema.get_field_index(name)
        table = table.set_column(i, table.schema.field(i), values)
    return table


# --- flag rates ----------------------------------------------------------------------------------

PARTIES = {
    **dict.fromkeys(("LegaSalvini", "FratellidItalia", "forza_italia"), "it: right"),
    **dict.fromkeys(("pdnetwork", "SI_sinistra"), "it: left"),
    "Mov5Stelle": "it: five stars",
}
"""Accounts of Italian parties; their members of parliament are not sorted by name here."""
TAGS = {"yeson1631": "yes on I-1631", "noon1631": "no on I-1631"}


def flags(name: str) -> list[Row]:
    """Ordinary accounts by language, collection and side: how many are in findings, and how."""
    case = scanned(name)
    ids = [str(i) for i in case.posts.account_ids.to_pylist()]
    mine = labelled(case, name) if "io_ira" in name else np.zeros(len(ids), bool)
    standing, named, paired = (np.zeros(len(ids), bool) for _ in range(3))
    for finding in case.findings:
        rows = [m.account for m in finding.members]
        standing[rows] = True
        named[rows] |= finding.class_ == "coordinated"
    for layer in case.layers:
        edges, kept = layer.scored.edges, layer.scored.validated
        paired[edges.left[kept]] = paired[edges.right[kept]] = True
    out: list[Row] = []
    for by, label in _labels(case, name, ids).items():
        for which in sorted(set(label[~mine])):
            some = (label == which) & ~mine
            out.append(
                {
                    "data": name,
                    "by": by,
                    "which": which or "none",
                    "accounts": int(some.sum()),
                    "in_findings": int((standing & some).sum()),
                    "coordinated": int((named & some).sum()),
                    "in_validated_pairs": int((paired & some).sum()),
                    "rate": short(float((standing & some).sum() / some.sum())),
                }
            )
    return out


def _labels(case: Case, name: str, ids: Sequence[str]) -> dict[str, np.ndarray]:
    out = {"language": _most(case, case.posts.table["lang"])}
    if name == "german_elections":
        out["platform"] = np.array([i.split("_")[0] for i in ids], object)
        return out
    if name in ("organic", "io_ira in organic"):
        out["collection"] = _collections(ids)
        out["side"] = _sides(case, ids)
    return out


def _most(case: Case, column: pa.ChunkedArray) -> np.ndarray:
    """(A,) each account's most frequent value; of equal ones the first in the alphabet."""
    names = sorted(set(pc.fill_null(column, "none").to_pylist()))
    place = {v: i for i, v in enumerate(names)}
    code = np.array([place[v] for v in pc.fill_null(column, "none").to_pylist()])
    many = np.zeros((case.posts.n_accounts, len(names)), np.int64)
    np.add.at(many, (case.posts.account, code), 1)
    return np.array(names, object)[many.argmax(axis=1)]


def _collections(ids: Iterable[str]) -> np.ndarray:
    table = pq.read_table(DATA / SETS["organic"][0], columns=["account", "source"]).to_pylist()
    where = {str(r["account"]): str(r["source"]) for r in table}
    return np.array([where.get(i, "operation") for i in ids], object)


def _sides(case: Case, ids: Sequence[str]) -> np.ndarray:
    """Accounts of Italian parties; Washington's ballot of 2018 by the one hashtag used."""
    out = np.array([PARTIES.get(i, "") for i in ids], object)
    text = pc.utf8_lower(pc.fill_null(case.posts.table["text"], "")).combine_chunks()
    used = {}
    for tag, word in TAGS.items():
        rows = np.asarray(pc.match_substring(text, "#" + tag))
        used[word] = np.bincount(case.posts.account[rows], minlength=len(ids)) > 0
    yes, no = used.values()
    for word, other in (("yes on I-1631", no), ("no on I-1631", yes)):
        out[used[word] & ~other & (out == "")] = word
    return out


# --- groups that stand ---------------------------------------------------------------------------


def groups(name: str) -> list[Row]:
    """Every group that stands: size, signals, type, and the rhythm of its gaps."""
    case = scanned(name)
    ids = case.posts.account_ids.to_pylist()
    out: list[Row] = []
    for f in case.findings:
        gaps = f.gap_rhythm
        pages = share(np.array([str(ids[m.account]).startswith("fb_") for m in f.members]))
        read = rhythm(gaps)
        out.append(
            {
                "data": name,
                "finding": f.id,
                "class": f.class_,
                "type": f.look_alike.kind if f.look_alike else f.subclass,
                "band": f.band,
                "accounts": len(f.members),
                "pages": pages,
                "signals": " ".join(f.signals),
                "gaps": int(gaps.get("gaps", 0)),
                "median_s": round(gaps.get("median", 0.0), 1),
                "same_second": short(gaps.get("same_second", np.nan)),
                "s_3_to_60": short(gaps.get("3_to_60_s", np.nan)),
                "over_10_min": short(gaps.get("over_10_min", np.nan)),
                "rhythm": read,
                "note": "possibly one person" if read in ONE_HAND and pages >= 0.5 else "",
            }
        )
    return out


ONE_HAND = ("one after another", "same second")


def rhythm(gaps: Mapping[str, float]) -> str:
    """What most gaps between members' acts on one object are; ``mixed`` where none are most."""
    for key, word in (
        ("same_second", "same second"),
        ("3_to_60_s", "one after another"),
        ("over_10_min", "slow relay"),
    ):
        if gaps.get(key, 0.0) >= 0.5:
            return word
    return "mixed"


def short(value: float) -> float | str:
    return "" if value != value else round(float(value), 4)


def share(value: np.ndarray) -> float:
    return round(float(np.mean(value)), 3) if len(value) else 0.0
