"""Other tools' networks, edge for edge: how a result of klieg is compared with what people cite.

``network_like`` reads the inputs of the coordination-network-toolkit (CNT 1.5.2) or CooRTweet
(2.1.3) and returns the network that the tool would, three bugs of CNT excepted (docs/parity.md).
It knows no null model: what comes out are the tools' thresholds, not klieg's findings.
"""

from __future__ import annotations

import io
import math
import tempfile
import time as clock
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from klieg.config import Config
from klieg.errors import ConfigError, InputError
from klieg.parity.cnt import cnt_network
from klieg.parity.coortweet import coortweet_network
from klieg.parity.edges import LikeNetwork
from klieg.parity.messages import NETWORKS
from klieg.parity.reading import Sheet, open_sheet
from klieg.parity.writing import SUFFIXES, write_csv, write_network
from klieg.sockets import Engine, Executor, make
from klieg.sources.archives import members
from klieg.sources.remote import expand, fetched

__all__ = [
    "DEFAULTS",
    "LIKE",
    "NETWORKS",
    "SUFFIXES",
    "LikeNetwork",
    "network_like",
    "warm",
    "write_csv",
    "write_network",
]

LIKE = ("cnt", "coortweet")
DEFAULTS = {
    "cnt": {"time_window": 1.0, "min_edge_weight": 2, "similarity_threshold": 0.8},
    "coortweet": {"time_window": 10.0, "min_participation": 2},
}
"""What the tools take where nothing is said: CNT's command line, CooRTweet's ``detect_groups``."""
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "cnt": (),
    "coortweet": ("edge_weight", "fast_window", "keep_loops"),
}


def network_like(
    inputs: str | Path | Iterable[str | Path],
    *,
    like: str,
    network: str = "co_retweet",
    time_window: float | None = None,
    min_edge_weight: int | None = None,
    similarity_threshold: float | None = None,
    min_participation: int | None = None,
    edge_weight: float | None = None,
    fast_window: float | None = None,
    keep_loops: bool = False,
    config: Config | None = None,
) -> LikeNetwork:
    """The network that ``like`` ("cnt" or "coortweet") returns for these inputs.

    An input is a file, a pattern, an archive (its members), a file in a store or "-".
    ``time_window`` in seconds, inclusive. CNT: ``network`` (one of NETWORKS), ``min_edge_weight``,
    ``similarity_threshold`` (co_similar_tweet: Jaccard ≥). CooRTweet: ``min_participation``,
    ``edge_weight`` (a quantile; None keeps every edge), ``fast_window`` (seconds: the pairs that
    ``flag_speed_share`` marks alone), ``keep_loops`` (``remove_loops = FALSE``); several inputs are
    modalities, stacked.
    Iterate over the result for Arrow batches, sorted by names, or call ``to_table()``. Raises
    InputError, ConfigError.
    """
    given = {
        "time_window": time_window,
        "min_edge_weight": min_edge_weight,
        "similarity_threshold": similarity_threshold,
        "min_participation": min_participation,
        "edge_weight": edge_weight,
        "fast_window": fast_window,
        "keep_loops": keep_loops or None,
    }
    chosen = _chosen(like, network, {k: v for k, v in given.items() if v is not None})
    names = [str(inputs)] if isinstance(inputs, (str, Path)) else [str(name) for name in inputs]
    with ExitStack() as stack:  # copies of remote files and of members of archives go at the end
        prefer = "messages" if like == "cnt" else "events"
        sheets = [
            open_sheet(stack.enter_context(fetched(name, name)), prefer=prefer)
            for name in members(expand(names))
        ]
        if not sheets:
            raise InputError("no input given; name a file, or - for standard input")
        return _read(sheets, like, network, chosen, config or Config())


def _read(
    sheets: Sequence[Sheet], like: str, network: str, chosen: dict[str, float], config: Config
) -> LikeNetwork:
    """All rows read, nothing counted yet."""
    executor: Executor = make("executors", config.executor, config)
    engine: Engine = make("engines", config.engine, config, executor=executor)
    if like == "cnt":
        return cnt_network(
            sheets,
            network,
            window=chosen["time_window"],
            min_weight=int(chosen["min_edge_weight"]),
            similarity=chosen["similarity_threshold"],
            engine=engine,
            executor=executor,
            threads=config.threads,
        )
    return coortweet_network(
        sheets,
        network,
        window=chosen["time_window"],
        min_participation=int(chosen["min_participation"]),
        edge_weight=chosen.get("edge_weight"),
        fast_window=chosen.get("fast_window"),
        keep_loops=bool(chosen.get("keep_loops")),
        engine=engine,
        threads=config.threads,
    )


def _chosen(like: str, network: str, given: dict[str, float]) -> dict[str, float]:
    """The tool's parameters: its defaults, and over them what is given. Raises ConfigError."""
    if like not in LIKE:
        raise ConfigError("like", like, " | ".join(LIKE))
    if network not in NETWORKS:
        raise ConfigError("network", network, " | ".join(NETWORKS))
    for name, value in given.items():
        if name not in DEFAULTS[like] and name not in _OPTIONAL[like]:
            raise ConfigError(name, value, f"nothing: like = {like!r} has no such parameter")
    chosen = {name: float(value) for name, value in (DEFAULTS[like] | given).items()}
    for name in ("time_window", "similarity_threshold", "min_edge_weight", "min_participation"):
        if math.isnan(chosen.get(name, 0.0)):
            raise ConfigError(name, chosen[name], "a number")
    if chosen["time_window"] < 0:
        raise ConfigError("time_window", chosen["time_window"], "a number of seconds, 0 or more")
    return chosen


_FEW = """message_id,user_id,username,repost_id,reply_id,message,timestamp,urls
2,b,,,p,one,0,u v
1,a,,,p,one,0{0},v
3,a,,r,,two,1,
4,"b,",,r,,two,2,
"""


def warm() -> float:
    """Compile (or load) the kernels of both tools' networks by running each once; seconds taken."""
    began = clock.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, fraction in (("whole.csv", ""), ("fractions.csv", ".5")):
            path = Path(folder) / name
            path.write_text(_FEW.format(fraction), encoding="utf-8")
            for network in ("co_retweet", "co_link", "co_similar_tweet"):
                found = network_like(path, like="cnt", network=network, min_edge_weight=1)
                write_csv(found, io.BytesIO())
            found = network_like(path, like="coortweet", min_participation=1)
            write_csv(found, io.BytesIO())
    return clock.perf_counter() - began
