"""Hand-made cases: a crew of three beside one bystander, the same without a finding, a hostile one.

Twelve posts, four accounts, two signals (repost, link) and the multiplex, one finding, and every
optional field filled somewhere. Counts are brute force over the twelve posts; what the null model
would say (expected, p, q) is made up, since nothing here tests the method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pyarrow as pa

from klieg.case import Case, Run
from klieg.config import WINDOWS, Config
from klieg.tables import (
    MULTIPLEX,
    POSTS,
    SECOND,
    Actions,
    Breadth,
    Clock,
    Controls,
    Edges,
    Finding,
    Highlight,
    Impact,
    Intake,
    JointAct,
    Layer,
    LookAlike,
    Member,
    Narrative,
    NullStat,
    Posterior,
    Posts,
    Power,
    Retest,
    ScoredEdges,
    Strata,
    WindowCount,
)
from klieg.tables.verdicts import Earned, Followed

START = int(datetime(2024, 3, 4, 12, tzinfo=UTC).timestamp()) * SECOND  # a Monday
DORA, ALMA, BENO, CLEO = "1000000000000000001", "2000000000000000002", "alma_b", "-cleo"
PETITION = "https://example.org/petition"

# seconds after START, account, kind, reposted post, link, text
_TWELVE: tuple[tuple[int, str, str, str | None, str | None, str], ...] = (
    (0, DORA, "post", None, None, "The old bridge is closed today, take the ferry #bridge"),
    (20, ALMA, "repost", "900", None, "The old bridge is closed today, take the ferry #bridge"),
    (31, BENO, "repost", "900", None, "The old bridge is closed today, take the ferry #bridge"),
    (44, CLEO, "repost", "900", None, "The old bridge is closed today, take the ferry #bridge"),
    (3600, DORA, "post", None, "https://news.example/bridge", "Why it is closed: the report"),
    (3615, ALMA, "repost", "904", None, "Why it is closed: the report"),
    (3640, BENO, "repost", "904", None, "Why it is closed: the report"),
    (7200, ALMA, "post", None, PETITION, "Sign for the bridge NOW, @mayor must act " + PETITION),
    (7207, BENO, "post", None, PETITION, "Sign for the bridge now! @mayor must act " + PETITION),
    (7219, CLEO, "quote", None, PETITION, "Sign for the bridge NOW, @mayor must act " + PETITION),
    (9000, DORA, "reply", None, PETITION, "I signed too: " + PETITION),
    (90000, CLEO, "comment", None, None, "مرحبا بالعالم 🌉 good night"),
)


def small_case() -> Case:
    """The crew: 12 posts, 4 accounts, layers link, repost and multiplex, 1 finding."""
    posts = posts_of(_TWELVE)
    layers = layers_of(posts)
    found = finding(posts)
    return Case(
        run=Run(
            version="0.1.0",
            config=Config(seed=7).as_dict(),
            seed=7,
            engine="reference",
            embedder="",
            llm="template",
            signals={"link": "1", "repost": "2"},
            command=("scan", "bridge.jsonl", "--seed", "7"),
        ),
        intake=Intake(
            inputs=(
                {
                    "path": "bridge.jsonl",
                    "format": "x_api_v2",
                    "sha256": "ab" * 32,
                    "rows": 15,
                    "mapping": {"text": "full_text", "time": "created_at"},
                },
            ),
            rows=15,
            posts=12,
            counts={"duplicate_id": 1, "duplicate_text": 1},
            rejected={"time is not a time": 1},
            notes=("Two columns could be the text: full_text (12 of 15) won over text (3 of 15).",),
        ),
        posts=posts,
        layers=layers,
        findings=(found,),
        highlights=highlights(posts),
        impact=(
            Impact("acts", "all posts", 0.58, 0.42, 0.5, 0.4, 0.45, "of the posts in this data"),
            Impact("accounts", "all posts", 0.75, 0.25, 0.5, 0.25, 0.25, ""),
        ),
        power=(Power("repost", 5, 4, 60, 0.83), Power("link", 6, 5, 600, 0.8)),
        notes=("4 accounts are too few for a null: this is a hand-made case.",),
    )


def quiet_case() -> Case:
    """The same posts with nothing found in them."""
    return replace(small_case(), findings=(), highlights=(), impact=())


def hostile_case(strings: Sequence[str]) -> Case:
    """Every free string of the case replaced by one of ``strings``, in turn; ids stay distinct."""
    turn = iter(lambda: strings[next(counter) % len(strings)], None)
    counter = iter(range(10**9))
    small = small_case()
    table = small.posts.table
    ids = [f"{i}{next(turn)}" for i in range(table.num_rows)]
    names = [f"{next(turn)}{i}" for i in range(small.posts.n_accounts)]
    replaced = {
        "post_id": ids,
        "account_id": [names[a] for a in small.posts.account.tolist()],
        "text": [next(turn) for _ in ids],
        "platform": ["x" if a else "telegram" for a in small.posts.account.tolist()],
        "hashtags": [[next(turn), next(turn)] for _ in ids],
    }
    for column, values in replaced.items():
        at = table.schema.get_field_index(column)
        table = table.set_column(
            at, POSTS.field(column), pa.array(values, POSTS.field(column).type)
        )
    found = small.findings[0]
    return replace(
        small,
        posts=replace(
            small.posts,
            table=table,
            account_ids=pa.array(names),
            account_platforms=pa.array(["telegram", "x", "x", "x"]),
        ),
        layers=tuple(
            replace(
                layer,
                actions=replace(
                    layer.actions,
                    labels=pa.array([f"{next(turn)}{i}" for i in range(layer.actions.n_objects)]),
                ),
            )
            for layer in small.layers
        ),
        findings=(
            replace(
                found,
                sentence=next(turn),
                counter_evidence=(next(turn), next(turn)),
                joint_acts=tuple(replace(j, object=next(turn)) for j in found.joint_acts),
                narrative=Narrative((next(turn), next(turn)), (7, 8)),
                look_alike=LookAlike("fans", next(turn)),
            ),
        ),
        highlights=tuple(
            replace(h, object=next(turn), reason=next(turn), end=0, start=0)
            for h in small.highlights
        ),
        notes=(next(turn),),
    )


def posts_of(rows: Sequence[tuple[int, str, str, str | None, str | None, str]]) -> Posts:
    """Posts in canonical order; post ids are 900, 901, …"""
    columns: dict[str, list[object]] = {name: [None] * len(rows) for name in POSTS.names}
    for i, (seconds, account, kind, repost_of, link, text) in enumerate(rows):
        columns["platform"][i] = "x"
        columns["post_id"][i] = str(900 + i)
        columns["account_id"][i] = account
        columns["time"][i] = START + seconds * SECOND
        columns["resolution"][i] = 1
        columns["text"][i] = text
        columns["lang"][i] = "en" if text.isascii() else None
        columns["kind"][i] = kind
        columns["repost_of"][i] = repost_of
        columns["repost_of_account"][i] = DORA if repost_of else None
        columns["urls"][i] = [f"{link}?utm_source=x"] if link else None
        columns["hashtags"][i] = ["bridge"] if "#bridge" in text else []
        columns["mentions"][i] = ["mayor"] if "@mayor" in text else None
        columns["source_file"][i] = "bridge.jsonl"
        columns["source_row"][i] = i + 1
    if rows:
        _fill_the_rest(columns)
    table = pa.table(
        {name: pa.array(columns[name], POSTS.field(name).type) for name in POSTS.names}
    )
    accounts = list(dict.fromkeys(account for _, account, *_ in rows))
    return Posts(
        table=table.cast(POSTS),
        account=np.array([accounts.index(row[1]) for row in rows], np.int32),
        time=np.array([START + row[0] * SECOND for row in rows], np.int64),
        account_ids=pa.array(accounts, pa.string()),
        account_platforms=pa.array(["x"] * len(accounts), pa.string()),
        resolution=1,
    )


def _fill_the_rest(columns: dict[str, list[object]]) -> None:
    columns["collection"][0] = "bridge"
    columns["reply_to"][10], columns["reply_to_account"][10] = "907", ALMA
    columns["quote_of"][9], columns["root_id"][10] = "907", "907"
    columns["media"][11] = [{"type": "image", "url": "https://img.example/1.jpg", "phash": "ff00"}]
    columns["client"][7] = "web"
    columns["objects"][8] = [{"trace": "image", "id": "family 1"}]
    columns["metrics"][0] = {"likes": 3, "reposts": 3, "replies": None, "views": 10_000_000_000}
    columns["account"][0] = {
        "handle": "dora",
        "name": "Dora",
        "created_at": START - 10**9 * SECOND,
        "followers": 120,
        "following": None,
        "verified": False,
    }


def layers_of(posts: Posts) -> tuple[Layer, ...]:
    """Link, repost and multiplex with counts by brute force over all pairs of actions."""
    reposts = posts.table["repost_of"].to_pylist()
    links = [
        urls[0].partition("?")[0] if urls else None for urls in posts.table["urls"].to_pylist()
    ]
    both = [
        f"repost {repost}" if repost else f"link {link}" if link else None
        for repost, link in zip(reposts, links, strict=True)
    ]
    domains = [link.split("/")[2] if link else None for link in links]
    authors = [DORA if repost else None for repost in reposts]
    return (
        layer_of(posts, "link", links, domains),
        layer_of(posts, "repost", reposts, authors),
        layer_of(posts, MULTIPLEX, both, [None] * posts.n),
    )


def layer_of(
    posts: Posts, signal: str, objects: Sequence[str | None], targets: Sequence[str | None]
) -> Layer:
    """One layer in which post i acted on ``objects[i]`` (None: it did not act)."""
    rows = np.flatnonzero([o is not None for o in objects])
    labels = list(dict.fromkeys(o for o in objects if o is not None))
    target_labels = list(dict.fromkeys(t for t in targets if t is not None))
    actions = Actions(
        signal=signal,
        account=posts.account[rows],
        object=np.array([labels.index(str(objects[i])) for i in rows], np.int32),
        time=posts.time[rows],
        post=rows.astype(np.int64),
        target=np.array(
            [target_labels.index(str(t)) if (t := targets[i]) is not None else -1 for i in rows],
            np.int32,
        ),
        labels=pa.array(labels, pa.string()),
        target_labels=pa.array(target_labels, pa.string()),
        n_accounts=posts.n_accounts,
    )
    strata = Strata(
        np.array([i % 2 for i in range(len(labels))], np.int32),
        np.array([0, 0], np.int32),
        ("x · en · interest 0", "x · en · other"),
        ("x",),
    )
    return Layer(actions, strata, scored(actions), _stat(actions))


def scored(actions: Actions) -> ScoredEdges:
    """Every pair that met within a day, smallest delay per object, cumulative over the ladder."""
    met: dict[tuple[int, int], dict[int, tuple[int, int, int]]] = {}
    for i, j in combinations(range(actions.n), 2):
        a, b = sorted((int(actions.account[i]), int(actions.account[j])))
        delay = abs(int(actions.time[i] - actions.time[j]))
        if a == b or actions.object[i] != actions.object[j] or delay > WINDOWS[-1] * SECOND:
            continue
        found = met.setdefault((a, b), {})
        times = sorted((int(actions.time[i]), int(actions.time[j])))
        found[int(actions.object[i])] = min(
            found.get(int(actions.object[i]), (2**62, 0, 0)), (delay, times[0], times[1])
        )
    pairs = sorted(met)
    counts = [
        [sum(d <= w * SECOND for d, _, _ in met[pair].values()) for w in WINDOWS] for pair in pairs
    ]
    n = np.array(counts, np.uint32).reshape(len(pairs), len(WINDOWS))
    expected = np.array([[0.01 * (k + 1) for k in range(len(WINDOWS))]] * len(pairs)).reshape(
        n.shape
    )
    p_window = np.minimum(1.0, np.exp(-3.0 * n) * (1 + 0.1 * np.arange(len(WINDOWS))))
    p = np.minimum(1.0, len(WINDOWS) * p_window.min(axis=1, initial=1.0))
    return ScoredEdges(
        signal=actions.signal,
        edges=Edges(
            left=np.array([a for a, _ in pairs], np.int32),
            right=np.array([b for _, b in pairs], np.int32),
            n=n,
            capped=np.minimum(n, 1).astype(np.uint32),
            first=np.array([min(t for _, t, _ in met[k].values()) for k in pairs], np.int64),
            last=np.array([max(t for _, _, t in met[k].values()) for k in pairs], np.int64),
        ),
        expected=expected,
        p_window=p_window,
        best=(p_window.argmin(axis=1) if pairs else np.zeros(0)).astype(np.uint8),
        p=p,
        e=1 / (2 * p),
        q=np.minimum(1.0, 4 * p),
        weak=n[:, -1] >= 1,
        validated=n[:, -1] >= 2,
        grouped=n[:, -1] >= 3,
    )


def _stat(actions: Actions) -> NullStat:
    return NullStat(
        signal=actions.signal,
        actions=actions.n,
        objects=actions.n_objects,
        eligible=4,
        pairs=6,
        candidates=4,
        validated=1,
        weak=4,
        expected_false=0.006,
        shuffled=(0,),
        shuffled_weak=(1,),
        tail_alpha=(1e-3, 1e-4),
        tail_real=(2.5, 1.0),
        tail_shuffled=(0.5, 0.0),
        omitted_bound=0.0,
        histogram_edges=(0.0, 1.0, 2.0, 3.0),
        histogram_real=(1, 2, 1),
        histogram_shuffled=(3, 1, 0),
        threshold=0.001,
    )


def finding(posts: Posts) -> Finding:
    """Alma, Beno and Cleo, who reposted and linked together; every optional field is filled."""
    members = (1, 2, 3)
    digest = hashlib.sha256(",".join(map(str, members)).encode()).hexdigest()
    return Finding(
        id=f"f-{digest[:12]}",
        class_="look-alike",
        subclass="own clock, too few outsiders",
        band="notable",
        look_alike=LookAlike("fans", "All 5 reposts are of one author, Dora."),
        signals=("repost", "link"),
        members=(Member(1, 12.5, 3, 0, 0.99), Member(2, 11.0, 3, 0, 0.98), Member(3, 8.25, 2)),
        posts=(1, 2, 3, 5, 6, 7, 8, 9),
        start=int(posts.time[1]),
        end=int(posts.time[9]),
        window=60,
        observed=7,
        expected=0.3,
        q=0.004,
        net=9.75,
        rho=4.5,
        windows=(WindowCount(10, 1, 0.02, 0.02), WindowCount(60, 7, 0.3, 1e-7)),
        clock=Clock(
            (2.5, 1.6, 60), (2.0, 1.4, 60), (0.0, 0.0, 60), (1.8, 1.2, 600), 3, (1, 7), (0.4, 2.8)
        ),
        breadth=Breadth(1.5, 1.9, 3, 0.0, (("example.org", 0.6), (DORA, 0.4))),
        joint_acts=(
            JointAct("link", PETITION, (7, 8, 9), 3, 4, 0.1, 6.5),
            JointAct("repost", "900", (1, 2, 3), 3, 3, 0.2, 3.25),
        ),
        gap_rhythm={"median_s": 12.0, "under_2_s": 0.0},
        sentence="3 accounts reposted 2 posts and shared 1 link within 60 s, 7 times; chance 0.3.",
        counter_evidence=(
            "All reposts are of one author: fans look like this.",
            "Only 4 accounts.",
        ),
        stability={"windows": 6, "found": 5},
        narrative=Narrative(("bridge", "petition"), (7, 0)),
        impact=(Impact("coalesced", "petition link", 0.75, 0.25, 0.5, 0.1, 0.4, "one voice"),),
        controls=Controls(
            ("activity", "pool"), 9.5, (-31.0, -12.25, -8.5), 7, (0, 0, 2), 1.4, (0.0, 0.5)
        ),
        retests=(
            Retest("window", "10 s", False),
            Retest("window", "1 min", True),
            Retest("chance", "2×", True),
            Retest("fewer acts", "draw 1", True),
            Retest("fewer acts", "draw 2", False),
        ),
        dealt="look-alike",
        survived=("3 sets of as many accounts: the highest net is −8 nats.",),
        posterior=Posterior("1", 0.1, 0.25, 0.027),
        followed=(Followed(0, 6, 0.95, 1.5, 0.4),),
        earned=Earned("clock", 2.5, 0, 900, 0.00332, "1"),
    )


def highlights(posts: Posts) -> tuple[Highlight, ...]:
    """Each post that took part, beside the crew's other posts on the same object."""
    found = finding(posts).id
    made = []
    for signal, label, rows in (
        ("repost", "900", (1, 2, 3)),
        ("repost", "904", (5, 6)),
        ("link", PETITION, (7, 8, 9)),
    ):
        for row in rows:
            others = tuple(r for r in rows if r != row)
            made.append(
                Highlight(
                    post=row,
                    finding=found,
                    signal=signal,
                    object=label,
                    counterparts=others,
                    partners=len(others),
                    expected=0.1,
                    start=0,
                    end=19 if signal == "link" else 0,
                    reason=f"{len(others)} others did the same within 60 s; 0.1 expected.",
                )
            )
    return tuple(made)
