"""Baselines on hand-made posts whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from klieg.evaluation.baselines import BASELINES, opinions
from klieg.evaluation.baselines.fused import centrality, similarity
from klieg.evaluation.baselines.mutual import npmi
from klieg.evaluation.baselines.traces import Trace, meetings, traces
from klieg.tables import SECOND, Posts

from . import worlds


def rows_of(posts: Posts, names: tuple[str, ...]) -> np.ndarray:
    return np.array([n in names for n in posts.account_ids.to_pylist()])


def test_baselines_name_a_crew_that_reposts_in_seconds() -> None:
    posts = worlds.crew_world()
    crew = rows_of(posts, worlds.CREW)
    said = opinions(posts)
    assert tuple(said) == BASELINES
    for method in ("CNT, 60 s", "CooRTweet, 10 s", "NPMI", "fused similarity"):
        score, _ = said[method]
        assert score[crew].min() > score[~crew].max(), method
    assert (said["CNT, 60 s"][1] == crew).all() and (said["NPMI"][1] == crew).all()
    # ten pairs of members within one second of each other are too few for CNT's own window
    assert said["CNT, 1 s"][0][crew].sum() < said["CNT, 60 s"][0][crew].sum()
    assert not said["random"][0][crew].min() > said["random"][0][~crew].max()


def test_baselines_volume_and_degree_count_what_they_say() -> None:
    posts = worlds.posts_of([("a", "p", 0), ("b", "p", 10), ("c", "p", 90_000), ("a", "q", 5)])
    said = opinions(posts)
    names = posts.account_ids.to_pylist()
    volume = dict(zip(names, said["volume"][0], strict=True))
    degree = dict(zip(names, said["degree"][0], strict=True))
    assert volume == {"a": 2, "b": 1, "c": 1}
    # c came a day and an hour after a, and less than a day after nobody
    assert degree == {"a": 1, "b": 1, "c": 0}


def test_baselines_without_posts_of_a_kind_say_nothing() -> None:
    posts = worlds.posts_of([("a", "p", 0), ("b", "q", 10)])
    for method, (score, named) in opinions(posts).items():
        assert len(score) == len(named) == 2
        if method not in ("volume", "random"):
            assert not score.any() and not named.any(), method


def test_baselines_traces_tell_fast_reposts_from_slow() -> None:
    posts = worlds.posts_of([("a", "none", 0), ("b", "a-0", 8), ("c", "a-0", 30)])
    fast = traces(posts).by["fast repost"]
    names = posts.account_ids.to_pylist()
    assert [names[a] for a in fast.account] == ["b"] and [names[o] for o in fast.object] == ["a"]


def test_baselines_similarity_is_the_cosine_of_tf_idf() -> None:
    who = np.array([0, 0, 1, 1, 2, 3], np.int32)
    what = np.array([0, 1, 0, 2, 1, 3], np.int64)
    found = similarity(Trace(who, what, np.zeros(6, np.int64), 4), 4, acts=1).toarray()
    shared, lone = np.log(4 / 2), np.log(4 / 1)
    assert found[0, 1] == pytest.approx(
        shared**2 / (np.hypot(shared, shared) * np.hypot(shared, lone))
    )
    assert found[0, 2] == pytest.approx(1 / np.sqrt(2))
    assert (found == found.T).all() and not found[3].any() and not found.diagonal().any()


def test_baselines_centrality_is_that_of_networkx() -> None:
    import networkx as nx

    graph = nx.erdos_renyi_graph(30, 0.2, seed=3)
    ours = centrality(sparse.csr_matrix(nx.to_scipy_sparse_array(graph, dtype=float)))
    theirs = nx.eigenvector_centrality_numpy(graph)
    assert ours == pytest.approx([theirs[i] for i in range(30)], abs=1e-6)


@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 30))
def test_baselines_npmi_is_at_most_one_and_grows_with_what_is_shared(
    both: int, more: int, others: int
) -> None:
    pair = np.array([both]), np.array([both + more]), np.array([both + others])
    value = npmi(*pair, 500)[0]
    assert -1 <= value <= 1
    assert npmi(pair[0] + 1, pair[1] + 1, pair[2] + 1, 500)[0] > value
    # the same overlap is worth less to one who shares more, above the other whom the discount sees
    busy = np.maximum(pair[1], pair[2])
    first, second = (npmi(pair[0], busy + k, pair[2], 500)[0] for k in (0, 5))
    assert second < first


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 40)), max_size=40),
    st.integers(0, 20),
)
def test_baselines_meetings_are_all_pairs_of_acts_in_reach(
    acts: list[tuple[int, int, int]], window: int
) -> None:
    who, what, when = (np.array([a[i] for a in acts], np.int64) for i in range(3))
    trace = Trace(who.astype(np.int32), what, when * SECOND, 4)
    expected = {
        (min(a[0], b[0]), max(a[0], b[0]), a[1])
        for a in acts
        for b in acts
        if a[0] != b[0] and a[1] == b[1] and abs(a[2] - b[2]) <= window
    }
    got = list(zip(*(x.tolist() for x in meetings(trace, float(window))), strict=True))
    assert got == sorted(expected)
