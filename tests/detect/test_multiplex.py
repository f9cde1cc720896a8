"""One layer for all signals: one act a post, pools of the signal it came from."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klieg.detect.multiplex import combine
from klieg.tables import MULTIPLEX, Actions, Strata


def make_layer(signal, rows, *, targets=()) -> Actions:
    """Rows are (account, object label, post); a post's time is its number."""
    number = {name: i for i, name in enumerate(dict.fromkeys(o for _, o, _ in rows))}
    aim = dict(targets)
    names = tuple(dict.fromkeys(aim.values()))
    return Actions(
        signal,
        np.array([a for a, _, _ in rows], np.int32),
        np.array([number[o] for _, o, _ in rows], np.int32),
        np.array([p for _, _, p in rows], np.int64),
        np.array([p for _, _, p in rows], np.int64),
        np.array([names.index(aim[o]) if o in aim else -1 for _, o, _ in rows], np.int32),
        pa.array(list(number), pa.string()),
        pa.array(list(names), pa.string()),
        4,
    )


def pools(actions: Actions, *names: str) -> Strata:
    member = np.arange(actions.n_objects, dtype=np.int32) % len(names)
    return Strata(member, np.zeros(len(names), np.int32), names, ("x",))


def acts(actions: Actions) -> list[tuple[int, str, int]]:
    labels = actions.labels.to_pylist()
    return [
        (int(a), labels[o], int(p))
        for a, o, p in zip(actions.account, actions.object, actions.post, strict=True)
    ]


def test_multiplex_takes_the_rarest_object_of_each_post():
    link = make_layer("link", [(0, "u", 0), (1, "u", 1), (2, "v", 2)])
    tags = make_layer("hashtags", [(0, "#a", 0), (2, "#b", 2), (3, "#b", 3), (1, "#b", 4)])
    both, _ = combine(
        {"link": link, "hashtags": tags}, {"link": pools(link, "x"), "hashtags": pools(tags, "x")}
    )
    assert both.signal == MULTIPLEX
    assert acts(both) == [
        (0, "hashtags: #a", 0),
        (1, "link: u", 1),
        (2, "link: v", 2),
        (3, "hashtags: #b", 3),
        (1, "hashtags: #b", 4),
    ]


def test_multiplex_breaks_ties_by_a_fixed_order_of_signals():
    link, copies = make_layer("link", [(0, "u", 0)]), make_layer("copies", [(0, "t", 0)])
    for names in (("link", "copies"), ("copies", "link")):
        layers = {n: {"link": link, "copies": copies}[n] for n in names}
        both, _ = combine(layers, {n: pools(layers[n], "x") for n in names})
        assert acts(both) == [(0, "copies: t", 0)]


def test_multiplex_domain_never_stands_for_a_post_with_a_link():
    link = make_layer("link", [(0, "u", 0), (1, "u", 1)])
    domain = make_layer("domain", [(0, "d", 0), (2, "e", 2)])
    both, _ = combine(
        {"domain": domain, "link": link}, {"domain": pools(domain, "x"), "link": pools(link, "x")}
    )
    assert acts(both) == [(0, "link: u", 0), (1, "link: u", 1), (2, "domain: e", 2)]


def test_multiplex_keeps_an_accounts_first_act_on_an_object():
    link = make_layer("link", [(0, "u", 0), (1, "u", 1), (0, "u", 2)])
    both, _ = combine({"link": link}, {"link": pools(link, "x")})
    assert acts(both) == [(0, "link: u", 0), (1, "link: u", 1)]


def test_multiplex_pools_stay_inside_their_layer():
    link = make_layer("link", [(0, "u", 0), (1, "v", 1)])
    tags = make_layer("hashtags", [(2, "#a", 2)])
    both, found = combine(
        {"link": link, "hashtags": tags},
        {"link": pools(link, "en", "de"), "hashtags": pools(tags, "en")},
    )
    named = [found.names[c] for c in found.object_stratum]
    assert dict(zip(both.labels.to_pylist(), named, strict=True)) == {
        "link: u": "link · en",
        "link: v": "link · de",
        "hashtags: #a": "hashtags · en",
    }
    assert [found.parent_names[p] for p in found.parent] == ["link · x", "link · x", "hashtags · x"]


def test_multiplex_targets_are_side_by_side():
    link = make_layer("link", [(0, "u", 0)], targets=[("u", "site")])
    repost = make_layer("repost", [(1, "r", 1)], targets=[("r", "site")])
    tags = make_layer("hashtags", [(2, "#a", 2)])
    layers = {"link": link, "repost": repost, "hashtags": tags}
    both, _ = combine(layers, {n: pools(a, "x") for n, a in layers.items()})
    assert [both.target_labels[int(t)].as_py() if t >= 0 else None for t in both.target] == [
        "link: site",
        "repost: site",
        None,
    ]


def test_multiplex_needs_a_layer():
    with pytest.raises(ValueError, match="no layer"):
        combine({}, {})


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("lhd"), st.integers(0, 3), st.integers(0, 4)), max_size=40
    )
)
def test_multiplex_has_one_act_a_post_and_one_an_account_and_object(rows):
    by_signal = {"link": [], "hashtags": [], "domain": []}
    for post, (kind, account, item) in enumerate(rows):
        if kind == "l":
            by_signal["link"].append((account, f"u{item}", post))
            by_signal["domain"].append((account, f"d{item % 2}", post))
        if kind in "hl":
            by_signal["hashtags"].append((account, f"#{item}", post))
        if kind == "d":
            by_signal["domain"].append((account, f"d{item % 2}", post))
    layers = {n: make_layer(n, r) for n, r in by_signal.items() if r}
    if not layers:
        return
    both, found = combine(layers, {n: pools(a, "x") for n, a in layers.items()})
    done = acts(both)
    assert len({p for _, _, p in done}) == len(done)
    assert len({(a, o) for a, o, _ in done}) == len(done)
    assert both.post.tolist() == sorted(both.post.tolist())
    assert len(found.object_stratum) == both.n_objects
    # numbered by first appearance, none unused
    assert list(dict.fromkeys(both.object.tolist())) == list(range(both.n_objects))
