"""Where acts belong: the platform, the kind of act where a signal holds several, the language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from klieg.config import Config
from klieg.detect import acted, strata
from klieg.detect.language import languages
from klieg.signals import select
from klieg.sources import assemble
from klieg.tables import ACTS, POSTS, Posts


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(1714557600 + second, UTC)


def world(acts: list[tuple[str, str, str]], *, posts: bool = True, **more: Any) -> Posts:
    own = [
        {
            "platform": "x",
            "post_id": f"p{i}",
            "account_id": "ada",
            "time": moment(i),
            "lang": lang,
        }
        for i, lang in enumerate(("de", "en", None))
    ]
    rows = [
        {
            "platform": platform,
            "account_id": f"u{i % 7}",
            "act": act,
            "object_id": what,
            "time": moment(10 + i),
            **more,
        }
        for i, (platform, act, what) in enumerate(acts)
    ]
    tables = [pa.Table.from_pylist(own if posts else [], POSTS), pa.Table.from_pylist(rows, ACTS)]
    return assemble(tables)[0]


def test_acted_language_is_that_of_the_post_acted_on() -> None:
    posts = world(
        [("x", "like", "p1"), ("x", "like", "p0"), ("x", "like", "p2"), ("y", "like", "p0")]
    )
    code, names = languages(posts)
    told = acted.tongues(posts, code)
    assert [names[c] if c >= 0 else "" for c in told] == ["de", "en", "", "en", "de", "", ""]


def test_acted_places_are_platforms_and_kinds_without_a_signal_of_their_own() -> None:
    posts = world([("x", "like", "a"), ("y", "like", "a"), ("x", "block", "a"), ("x", "mute", "a")])
    code, names = acted.places(posts, np.zeros(3, np.int32), ("x",))
    assert [names[c] for c in code] == ["x", "x", "x", "x", "y", "x · block", "x · mute"]


def test_acted_places_without_posts_are_numbered_by_first_appearance() -> None:
    posts = world([("z", "like", "a"), ("a", "like", "a"), ("z", "block", "a")], posts=False)
    code, names = acted.places(posts, np.zeros(0, np.int32), ())
    assert code.tolist() == [0, 1, 2]
    assert names == ("z", "a", "z · block")


def test_acted_kinds_are_never_in_one_pool() -> None:
    acts = [("x", ("block", "mute")[i % 2], f"a{i % 5}") for i in range(60)]
    posts = world(acts)
    config = Config(stratum_actions=1, stratum_accounts=1)
    layers = {s.name: s.actions(posts) for s in select(config, engine=None)}  # type: ignore[arg-type]
    pools = strata.flat({"reaction": layers["reaction"]}, posts, config)["reaction"]
    labels = layers["reaction"].labels.to_pylist()
    of = {
        label: pools.parent_names[pools.parent[pools.object_stratum[i]]]
        for i, label in enumerate(labels)
    }
    assert {place for label, place in of.items() if label.startswith("block")} == {"x · block"}
    assert {place for label, place in of.items() if label.startswith("mute")} == {"x · mute"}
