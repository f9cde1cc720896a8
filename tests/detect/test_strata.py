"""Pools: who is exchangeable with whom, and that names, order and weeks do not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.config import Config
from klieg.detect import interest, strata
from klieg.detect.columns import appearance, first_rows, plurality
from klieg.detect.interest import week_start
from klieg.detect.language import languages, scripts
from klieg.tables import POSTS, SECOND, TIME, Actions, Posts

DAY = 86_400 * SECOND
MONDAY = 4 * DAY + 2_000 * 7 * DAY
SMALL = Config(stratum_actions=6, stratum_accounts=3)


def make_posts(account, time, **columns) -> Posts:
    n = len(account)
    table = {f.name: pa.nulls(n, f.type) for f in POSTS}
    table["platform"] = pa.array(columns.pop("platform", ["x"] * n), pa.string())
    table["post_id"] = pa.array([str(i) for i in range(n)])
    table["account_id"] = pa.array([f"a{i}" for i in account])
    table["time"] = pa.array(np.asarray(time, np.int64)).cast(TIME)
    for name, values in columns.items():
        table[name] = pa.array(values, POSTS.field(name).type)
    size = max(account, default=-1) + 1
    return Posts(
        pa.table(table, schema=POSTS),
        np.array(account, np.int32),
        np.array(time, np.int64),
        pa.array([f"a{i}" for i in range(size)]),
        pa.array(["x"] * size),
        0,
    )


def make_layer(signal: str, posts: Posts, objects) -> Actions:
    """Every post acts on the object named in ``objects``."""
    number = {name: i for i, name in enumerate(dict.fromkeys(objects))}
    return Actions(
        signal,
        posts.account,
        np.array([number[o] for o in objects], np.int32),
        posts.time,
        np.arange(posts.n),
        np.full(posts.n, -1, np.int32),
        pa.array([str(o) for o in number], pa.string()),
        pa.array([], pa.string()),
        posts.n_accounts,
    )


def pool_names(found: strata.Strata, actions: Actions) -> dict[str, str]:
    labels = actions.labels.to_pylist()
    return {labels[i]: found.names[c] for i, c in enumerate(found.object_stratum)}


def two_tastes(n_days: int = 8, seed: int = 0) -> tuple[Posts, list[str]]:
    """Accounts 0–9 share cat pages, 10–19 dog pages: five new pages of each a day."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in range(n_days):
        for page in range(5):
            for first, taste in ((0, "cat"), (10, "dog")):
                for a in rng.choice(10, 6, replace=False):
                    at = MONDAY + day * DAY + int(rng.integers(0, DAY))
                    rows.append((at, first + int(a), f"{taste} {day} {page}"))
    rows.sort()
    order = {a: i for i, a in enumerate(dict.fromkeys(a for _, a, _ in rows))}
    account = [order[a] for _, a, _ in rows]
    return make_posts(account, [t for t, _, _ in rows]), [o for _, _, o in rows]


@pytest.mark.parametrize("large", [1_000_000, 120])
def test_strata_infer_separates_interests_found_on_other_days(monkeypatch, large):
    # 240 acts a parity: with 120 every other object is in the sample, the rest follow
    monkeypatch.setattr(interest, "LARGE", large)
    posts, objects = two_tastes()
    layer = make_layer("link", posts, objects)
    names = pool_names(strata.infer({"link": layer}, posts, SMALL)["link"], layer)
    for parity in (0, 1):
        pools = {
            taste: {
                v
                for k, v in names.items()
                if k.startswith(taste) and int(k.split()[1]) % 2 == parity
            }
            for taste in ("cat", "dog")
        }
        assert len(pools["cat"]) == len(pools["dog"]) == 1
        assert pools["cat"] != pools["dog"]
        assert "interest" in next(iter(pools["cat"]))


def test_strata_flat_has_no_interest():
    posts, objects = two_tastes()
    layer = make_layer("link", posts, objects)
    assert strata.flat({"link": layer}, posts, SMALL)["link"].names == ("x",)


def test_strata_interest_needs_other_days():
    # on one day there is nothing to cross-fit with: an act must not define its own pool
    posts, objects = two_tastes(n_days=1)
    layer = make_layer("link", posts, objects)
    assert strata.infer({"link": layer}, posts, SMALL)["link"].names == ("x",)


@pytest.mark.parametrize("signal", ["copies", "hashtags", "mention", "reply", "domain", "image"])
def test_strata_layers_not_chosen_by_interest_have_none(signal):
    posts, objects = two_tastes()
    layers = {
        "link": make_layer("link", posts, objects),
        signal: make_layer(signal, posts, objects),
    }
    found = strata.infer(layers, posts, SMALL)
    assert found["link"].size > 1
    assert found[signal].names == ("x",)


def test_strata_small_communities_get_no_label():
    posts, objects = two_tastes()
    layer = make_layer("link", posts, objects)
    config = Config(stratum_actions=6, stratum_accounts=11)  # each community has ten accounts
    assert strata.infer({"link": layer}, posts, config)["link"].names == ("x",)


def test_strata_never_pool_platforms_or_collections():
    account = [0, 1, 2, 0, 1, 2]
    posts = make_posts(
        account,
        [MONDAY + i for i in range(6)],
        platform=["x", "x", "x", "y", "x", "x"],
        collection=["c", "c", "d", None, "d", None],
    )
    layer = make_layer("link", posts, ["1", "1", "2", "3", "2", "4"])
    found = strata.flat({"link": layer}, posts, SMALL)["link"]
    assert pool_names(found, layer) == {"1": "x · c", "2": "x · d", "3": "y", "4": "x"}
    assert found.parent_names == ("x · c", "x · d", "y", "x")
    assert found.parent.tolist() == [0, 1, 2, 3]


def test_strata_small_languages_merge_into_other():
    account, lang, objects = [], [], []
    for tongue, accounts in (("en", 5), ("de-AT", 5), ("fr", 2), ("it", 1)):
        for a in range(accounts):
            for page in range(2):
                account.append(a)
                lang.append(tongue)
                objects.append(f"{tongue} {page}")
    posts = make_posts(account, [MONDAY + i for i in range(len(account))], lang=lang)
    layer = make_layer("link", posts, objects)
    found = strata.flat({"link": layer}, posts, SMALL)["link"]
    names = pool_names(found, layer)
    assert names["en 0"] == "x · en"
    assert names["de-AT 1"] == "x · de"
    assert names["fr 0"] == names["it 0"] == "x · other"
    assert found.parent.tolist() == [0, 0, 0]


def test_strata_language_is_the_majority_of_the_posts():
    posts = make_posts([0, 1, 2], [MONDAY, MONDAY + 1, MONDAY + 2], lang=["de", "en", "en"])
    layer = make_layer("link", posts, ["1", "1", "1"])
    config = Config(stratum_actions=1, stratum_accounts=1)
    assert strata.flat({"link": layer}, posts, config)["link"].names == ("x · en",)


def test_strata_without_posts_are_empty():
    posts = make_posts([], [])
    layer = make_layer("link", posts, [])
    assert strata.infer({"link": layer}, posts, SMALL)["link"].size == 0


def test_strata_language_falls_back_to_the_dominant_script():
    text = ["просто текст https://example.org/a/long/latin/address", "just text", None, "🙂 123"]
    posts = make_posts([0, 0, 0, 0], [0, 1, 2, 3], lang=[None, "und", "pt-BR", None], text=text)
    code, names = languages(posts)
    assert [names[c] if c >= 0 else None for c in code] == [
        "Cyrillic script",
        "Latin script",
        "pt",
        None,
    ]


def test_strata_scripts_by_their_letters():
    text = [
        "ça va",
        "καλά",
        "добре",
        "շատ լավ",
        "טוב",
        "جيد",
        "अच्छा",
        "ดี",
        "კარგი",
        "かな漢",
        "好的",
        "좋아",
        "",
    ]
    assert scripts(pa.array(text)).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, -1]


def test_strata_scripts_of_a_slice_are_those_of_its_rows():
    text = pa.array(["latin", "добре", "好的", "latin"])
    assert scripts(text.slice(1, 2)).tolist() == [2, 11]


def test_strata_plurality_gives_ties_to_the_first():
    group = np.array([0, 0, 0, 0, 1])
    assert plurality(group, np.array([7, 2, 2, 7, -1]), 2).tolist() == [7, -1]


def test_strata_week_starts_on_monday():
    assert week_start(MONDAY) == MONDAY
    assert week_start(MONDAY - 1) == MONDAY - 7 * DAY
    assert week_start(MONDAY + 6 * DAY) == MONDAY


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), weeks=st.integers(-300, 300))
def test_strata_ignore_names_and_whole_weeks(seed, weeks):
    posts, objects = two_tastes(n_days=4, seed=seed)
    renamed = replace(
        posts,
        table=posts.table.set_column(
            POSTS.get_field_index("account_id"),
            "account_id",
            pa.array([f"z{9 - i}" for i in posts.account]),
        ),
        account_ids=pa.array([f"z{i % 7}{i}" for i in range(posts.n_accounts)]),
        time=posts.time + weeks * 7 * DAY,
    )
    once = strata.infer({"link": make_layer("link", posts, objects)}, posts, SMALL)["link"]
    again = strata.infer(
        {"link": make_layer("link", renamed, [f"q{o}" for o in objects])}, renamed, SMALL
    )["link"]
    assert once.object_stratum.tolist() == again.object_stratum.tolist()
    assert once.names == again.names


@given(values=st.lists(st.integers(0, 30), max_size=40), low=st.integers(-5, 2**40))
def test_strata_columns_number_by_first_appearance_dense_or_sparse(values, low):
    shifted = np.array([low + v for v in values], np.int64)
    for column in (shifted, np.array(values, np.int64) << 40):
        seen = list(dict.fromkeys(column.tolist()))
        first, number = appearance(column)
        assert number.tolist() == [seen.index(v) for v in column.tolist()]
        assert column[first].tolist() == seen
        assert first_rows(column).tolist() == first.tolist()


@given(
    votes=st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 3)), max_size=40),
)
def test_strata_plurality_is_the_commonest_vote_and_the_first_of_equals(votes):
    group = np.array([g for g, _ in votes], np.int64)
    vote = np.array([v for _, v in votes], np.int64)
    expected = []
    for g in range(5):
        cast = [v for h, v in votes if h == g and v >= 0]
        expected.append(max(dict.fromkeys(cast), key=cast.count, default=-1))
    assert plurality(group, vote, 5).tolist() == expected


def test_strata_opinions_are_infer_and_flat_at_once():
    posts, objects = two_tastes(n_days=4, seed=1)
    layers = {"link": make_layer("link", posts, objects)}
    chosen, plain = strata.opinions(layers, posts, SMALL)
    assert chosen["link"].names == strata.infer(layers, posts, SMALL)["link"].names
    assert plain["link"].names == strata.flat(layers, posts, SMALL)["link"].names
    assert chosen["link"].size > plain["link"].size
