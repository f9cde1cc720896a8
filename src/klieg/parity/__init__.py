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
from collections.abc import Iterable
from pathlib import Path

from klieg.config import Config
from klieg.errors import ConfigError
from klieg.parity.cnt import cnt_network
from klieg.parity.coortweet import coortweet_network
from klieg.parity.edges import LikeNetwork
from klieg.parity.messages import NETWORKS
from klieg.parity.reading import open_sheet
from klieg.parity.writing import SUFFIXES, write_csv, write_network
from klieg.sockets import Engine, Executor, make

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
    config: Config | None = None,
) -> LikeNetwork:
    """The network that ``like`` ("cnt" or "coortweet") returns for these inputs.

    ``time_window`` in seconds, inclusive. CNT: ``network`` (one of NETWORKS), ``min_edge_weight``,
    ``similarity_threshold`` (co_similar_tweet: Jaccard ≥). CooRTweet: ``min_participation``,
    ``edge_weight`` (a quantile; None keeps every edge); several inputs are modalities, stacked.
    Iterate over the result for Arrow batches, sorted by names, or call ``to_table()``. Raises
    InputError, ConfigError.
    """
    if like not in LIKE:
        raise ConfigError("like", like, " | ".join(LIKE))
    if network not in NETWORKS:
        raise ConfigError("network", network, " | ".join(NETWORKS))
    chosen = {**DEFAULTS[like]}
    given = {
        "time_window": time_window,
        "min_edge_weight": min_edge_weight,
        "similarity_threshold": similarity_threshold,
        "min_participation": min_participation,
    }
    for name, value in given.items():
        if value is not None and name not in chosen:
            raise ConfigError(name, value, f"nothing: like = {like!r} has no such parameter")
        chosen |= {} if value is None else {name: value}
    if edge_weight is not None and like == "cnt":
        raise ConfigError(
            "edge_weight", edge_weight, "nothing: it is CooRTweet's; CNT has min_edge_weight"
        )
    window = float(chosen["time_window"])
    if math.isnan(window) or window < 0:
        raise ConfigError("time_window", window, "a number of seconds, 0 or more")
    config = config or Config()
    names = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    sheets = [open_sheet(name, prefer="messages" if like == "cnt" else "events") for name in names]
    executor: Executor = make("executors", config.executor, config)
    engine: Engine = make("engines", config.engine, config, executor=executor)
    if like == "cnt":
        return cnt_network(
            sheets,
            network,
            window=window,
            min_weight=int(chosen["min_edge_weight"]),
            similarity=float(chosen["similarity_threshold"]),
            engine=engine,
            executor=executor,
            threads=config.threads,
        )
    return coortweet_network(
        sheets,
        network,
        window=window,
        min_participation=int(chosen["min_participation"]),
        edge_weight=edge_weight,
        engine=engine,
        threads=config.threads,
    )


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
