"""The words and columns every room speaks: schemas and frozen values, no behaviour.

Shapes and units stand beside each field: ``(n,)`` rows, times in integer microseconds since 1970
UTC, windows in seconds. Accounts, posts, objects and strata are dense indices; the names they had
in the input stay in ``Posts`` and ``Actions.labels``. The room knows no algorithm and no format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from klieg.verdicts import Earned, Followed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    I32 = NDArray[np.int32]
    I64 = NDArray[np.int64]
    U32 = NDArray[np.uint32]
    U8 = NDArray[np.uint8]
    F64 = NDArray[np.float64]
    Bool = NDArray[np.bool_]

SECOND = 1_000_000  # microseconds: all times inside klieg are int64 microseconds

TIME = pa.timestamp("us", tz="UTC")

_MEDIA = pa.struct([("type", pa.string()), ("url", pa.string()), ("phash", pa.string())])

POSTS = pa.schema(
    [
        pa.field("platform", pa.string(), nullable=False),
        pa.field("post_id", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("resolution", pa.int32()),  # seconds its clock ticks in: 0 finer than 1 s, 1, 60
        pa.field("collection", pa.string()),  # separate collections are separate strata
        pa.field("text", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("kind", pa.string()),  # post, repost, reply, quote, comment, message
        pa.field("repost_of", pa.string()),
        pa.field("repost_of_account", pa.string()),
        pa.field("reply_to", pa.string()),
        pa.field("reply_to_account", pa.string()),
        pa.field("quote_of", pa.string()),
        pa.field("root_id", pa.string()),
        pa.field("urls", pa.list_(pa.string())),
        pa.field("hashtags", pa.list_(pa.string())),
        pa.field("mentions", pa.list_(pa.string())),
        pa.field("media", pa.list_(_MEDIA)),
        pa.field("client", pa.string()),
        pa.field(
            "account",
            pa.struct(
                [
                    ("handle", pa.string()),
                    ("name", pa.string()),
                    ("created_at", TIME),
                    ("followers", pa.int64()),
                    ("following", pa.int64()),
                    ("verified", pa.bool_()),
                ]
            ),
        ),
        pa.field(
            "metrics",
            pa.struct(
                [
                    ("likes", pa.int64()),
                    ("reposts", pa.int64()),
                    ("replies", pa.int64()),
                    ("views", pa.int64()),
                ]
            ),
        ),
        pa.field("objects", pa.list_(pa.struct([("trace", pa.string()), ("id", pa.string())]))),
        pa.field("source_file", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
)
"""One row a post. Unknown is null, never a made-up 0; an empty string is null."""

ACTS = pa.schema(
    [
        pa.field("platform", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("act", pa.string(), nullable=False),  # like, follow, vote, report, rating, …
        pa.field("object_id", pa.string(), nullable=False),  # a post's id, an account's, a note's
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.string()),  # which way: up, down, HELPFUL; another way, another object
        pa.field("object_account", pa.string()),  # whose the object is, where that is known
        pa.field("act_id", pa.string()),  # the act's own address, by which it may be taken back
        pa.field("resolution", pa.int32()),  # as of POSTS
        pa.field("collection", pa.string()),
        pa.field("source_file", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
)
"""Acts without text, one row an act: likes, follows, votes, reports, ratings."""

REACTIONS = ("follow", "like", "rating", "reaction", "report", "vote")
"""Signals that read acts in place of posts; ``reaction`` holds every act without its own."""

RETOLD = ("fast_repost", "synchrony")
"""Signals that tell again of posts whose acts others hold: never woven in, nor alone enough."""

KINDS = ("post", "repost", "reply", "quote", "comment", "message")

Class = Literal["coordinated", "amplification", "suggestive", "look-alike", "abstain"]
Band = Literal["strong", "likely", "notable", "insufficient data"]
BANDS: tuple[Band, ...] = ("insufficient data", "notable", "likely", "strong")  # weakest first

MULTIPLEX = "multiplex"
"""The name of the layer that holds every signal's acts at once, one act a post."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: quarantined, counted by reason, never dropped silently."""

    path: str
    line: int
    column: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Acts:
    """All acts of a run in canonical order (time first), their accounts numbered as the posts'."""

    table: pa.Table  # ACTS, m rows
    account: I32  # (m,) index into Posts.account_ids
    time: I64  # (m,) microseconds, ascending

    @property
    def n(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True)
class Posts:
    """All posts of a run in canonical order (time, platform, post_id), accounts interned.

    Acts without text stand beside them. A *row of evidence* is a row of the posts or, from ``n``
    on, ``n`` and a row of the acts.
    """

    table: pa.Table  # POSTS, n rows
    account: I32  # (n,) index into account_ids, by first appearance
    time: I64  # (n,) microseconds, ascending
    account_ids: pa.Array  # (A,) string: the id as it stands in the input
    account_platforms: pa.Array  # (A,) string
    resolution: int  # seconds: the coarsest clock among posts and acts (0: finer than a second)
    acts: Acts | None = None  # accounts that only act are numbered after those that post

    @property
    def n(self) -> int:
        return len(self.account)

    @property
    def n_acts(self) -> int:
        return self.acts.n if self.acts else 0

    @property
    def n_accounts(self) -> int:
        return len(self.account_ids)


@dataclass(frozen=True, slots=True)
class Intake:
    """What happened on the way in: goes to the case, the report and ``run.json``."""

    inputs: tuple[Mapping[str, object], ...]  # path (name only), format, sha256, rows, mapping
    rows: int  # rows read, posts or not
    posts: int  # rows kept
    counts: Mapping[str, int]  # duplicate_id, row_id, not_a_post_<why>, act_<kind>, …
    rejected: Mapping[str, int]  # by reason
    notes: tuple[str, ...]  # sentences a reader must know (minute clocks, fallbacks, losers)


@dataclass(frozen=True, slots=True)
class Actions:
    """One signal: who did it, to what, when. Rows stand in post order (so times ascend)."""

    signal: str
    account: I32  # (n,)
    object: I32  # (n,) index into labels, by first appearance
    time: I64  # (n,) microseconds
    post: I64  # (n,) row of evidence: of Posts, or from Posts.n on of its acts
    target: I32  # (n,) the object's author or domain, for the evidence cap; −1 where it has none
    labels: pa.Array  # (n_objects,) string: what the object is called
    target_labels: pa.Array  # (n_targets,) string
    n_accounts: int

    @property
    def n(self) -> int:
        return len(self.account)

    @property
    def n_objects(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Edges:
    """Co-acting pairs of one signal. Counts are cumulative over the window ladder."""

    left: I32  # (p,)
    right: I32  # (p,) > left; rows sorted by (left, right)
    n: U32  # (p, W) distinct objects both acted on within the window (smallest delay counts)
    capped: U32  # (p, W) the same with at most one per target over the whole period
    first: I64  # (p,) microseconds: earliest co-action in the widest window
    last: I64  # (p,) microseconds: latest

    @property
    def size(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class ActEdges:
    """Pairs of accounts weighed by acts, as other tools weigh them; directed or left < right."""

    left: I32  # (p,) rows sorted by (left, right)
    right: I32  # (p,)
    n: I64  # (p,) posts of left that met an act of right; undirected: pairs of acts that met
    delay: I64  # (p,) undirected: Σ |t1 − t2| over those pairs, in the ticks of the times; else 0

    @property
    def size(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class ScoredEdges:
    """Edges of one layer beside what the null model expects: weak, validated and grouped ones."""

    signal: str
    edges: Edges
    expected: F64  # (p, W) capped co-actions the null expects: the λ that p was taken at
    p_window: F64  # (p, W) tail probability per window, uncorrected
    best: U8  # (p,) index of the window with the smallest p
    p: F64  # (p,) min(1, W · min_w p)
    e: F64  # (p,) pair e-value, averaged over windows
    q: F64  # (p,) Benjamini–Hochberg over all pairs of all layers
    weak: Bool  # (p,)
    validated: Bool  # (p,)
    grouped: Bool  # (p,) passes inside a group that stands, the group left out of λ


@dataclass(frozen=True, slots=True)
class Strata:
    """Which pool each object of one signal belongs to; accounts are exchangeable inside a pool."""

    object_stratum: I32  # (n_objects,)
    parent: I32  # (n_strata,) coarser pool (platform × collection), numbered 0 … n_parents − 1
    names: tuple[str, ...]  # (n_strata,) e.g. "x · en · interest 3"
    parent_names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class ShuffleStat:
    """What one more kind of shuffle gave of a layer, without the accounts that stand in groups."""

    kind: str  # H: labels inside stratum and clock hour; T: each account's times moved
    removed: int  # accounts of standing groups, taken out first
    pairs: int  # all pairs of eligible accounts that are left
    real: int  # validated pairs of the data among those left
    validated: tuple[int, ...]  # pairs of each shuffle at the data's threshold
    weak: tuple[int, ...]
    tail: tuple[float, ...]  # #{p ≤ α} / (pairs · α), mean over the runs


@dataclass(frozen=True, slots=True)
class NullStat:
    """One layer's bookkeeping of error control: printed in every report."""

    signal: str
    actions: int
    objects: int
    eligible: int  # accounts whose edges count
    pairs: int  # all pairs of eligible accounts: the m of this layer
    candidates: int  # pairs scored
    validated: int
    weak: int
    expected_false: float  # m · threshold: validated edges chance alone would give
    shuffled: tuple[int, ...]  # validated edges on each shuffle, at the real threshold
    shuffled_weak: tuple[int, ...]
    tail_alpha: tuple[float, ...]  # α = 1e-3 … 1e-7
    tail_real: tuple[float, ...]  # #{p ≤ α} / (mα)
    tail_shuffled: tuple[float, ...]  # the same, mean over shuffles
    omitted_bound: float  # nats a pair can have lost to the occupancy cap
    histogram_edges: tuple[float, ...]  # surprise −log10 p, for the null panel
    histogram_real: tuple[int, ...]
    histogram_shuffled: tuple[int, ...]  # mean over shuffles, rounded
    threshold: float  # p at which an edge was validated (0 if none)
    validated_by: int = 0  # edges that Benjamini–Yekutieli (any dependence) would validate
    validated_e: int = 0  # edges that e-BH would validate
    crowds: int = 0  # sets of accounts in the same bursts of hundreds: kept whole, not as pairs
    crowd_pairs: int = 0  # pairs of their members
    crowd_scored: int = 0  # of them scored one by one: the strongest
    crowd_possible: int = 0  # of the rest, those that could have been validated, all scored
    crowd_raised: int = 0  # scored pairs that would be validated with all of those
    second_level: float = 0.0  # every pair that is not scored and in no crowd has a larger p
    second_added: int = 0  # validated pairs that the occupancy cap had kept out
    other_shuffles: tuple[ShuffleStat, ...] = ()  # beside ``shuffled``, which are of kind S
    exact: tuple[int, int] = (0, 0)  # pairs just above the threshold; below it by the exact tail
    insufficient: str = ""  # why who acts with whom cannot be tested in this layer, if so


@dataclass(frozen=True, slots=True)
class WeakGraph:
    """Pairs with weak evidence in one layer and window: where the search looks, never shown."""

    layer: str
    window: int  # seconds
    interest: bool  # whether interest strata were used
    left: I32  # (p,)
    right: I32  # (p,) > left


@dataclass(frozen=True, slots=True)
class Crowd:
    """Accounts that were in the same bursts of hundreds: one candidate, however many pairs."""

    layer: str
    window: int  # seconds
    members: I32  # (g,) ascending
    objects: int  # objects whose bursts hold half of them or more
    pairs: int  # pairs of members


@dataclass(frozen=True, slots=True)
class Network:
    """The coordination network of a run: every signal's layer, MULTIPLEX last, and weak graphs."""

    layers: Mapping[str, Layer]
    flat: Mapping[str, Strata]  # each layer's pools without interest
    weak: tuple[WeakGraph, ...]
    crowds: tuple[Crowd, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A set of accounts that the search found and the burst test weighed."""

    members: I32  # (g,) ascending
    layer: str  # where its evidence is largest (a signal, or MULTIPLEX)
    window: int  # seconds, of the strongest tiling
    offset: float  # 0.0 or 0.5 of a window
    net: float  # ln s_G, nats: what is left of the evidence when the search is paid for
    log_e: float  # ln e_G of all acts
    by_layer: Mapping[str, float]  # ln e per layer, averaged over windows, offsets and ω
    drops: F64  # (g,) nats of net lost without each member
    rho: float  # largest factor on the expected counts at which it still stands
    found_in: tuple[str, ...]  # searches: "repost 600 s", "multiplex 60 s, no interest"
    stability: Mapping[str, int]  # e.g. windows searched / windows that found it
    halves: tuple[I32 | None, I32 | None] = (None, None)  # its like, as found on each half of acts
    held_out: int = -1  # the half it was found on, if it stands by the other half alone
    rho_coarse: float = 1.0  # rho by the bound of small groups: what groups of any size compare by


@dataclass(frozen=True, slots=True)
class Clock:
    """How much more simultaneous a group is than three benign expectations (3.5).

    Each entry is ``(ratio, lower bound, window in seconds)`` at the window with the best bound;
    a bound of 0 means too little to say.
    """

    pace: tuple[float, float, int]  # A
    event: tuple[float, float, int]  # B
    event_outsiders: tuple[float, float, int]  # B_o: objects with ≥ 10 outsiders
    habit: tuple[float, float, int]  # C
    pairs: int
    observed: tuple[int, ...]  # (W,) member pairs on the same object within each window
    expected: tuple[float, ...]  # (W,) under pace


@dataclass(frozen=True, slots=True)
class Breadth:
    """How wide a group's evidence is spread over target authors or domains."""

    net_without_two: float
    effective_targets: float  # exp(entropy) of evidence over targets
    objects: int  # objects on which ≥ 2 members acted
    private_share: float  # joint acts on objects with < 2 outsiders
    top_targets: tuple[tuple[str, float], ...]  # (label, share of the evidence), strongest first


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A benign explanation that fits, named."""

    kind: str  # fans, shared interest, syndication, one brand, template, breaking news, mirror …
    reason: str  # one sentence with the numbers


@dataclass(frozen=True, slots=True)
class Member:
    """An account's part in a finding."""

    account: int
    evidence: float  # nats of net lost without it
    posts: int  # posts of it that took part
    acts: int = 0  # acts without text of it that took part
    probability: float | None = None  # that it is one of the group, if the group is one


@dataclass(frozen=True, slots=True)
class Controls:
    """Sets of comparable accounts outside every finding, weighed just as the group was."""

    matched: tuple[str, ...]  # in what they are alike: activity, speed, time zone, pool
    net: float  # nats, the group's own
    nets: tuple[float, ...]  # ascending, one a set; empty where too few accounts are comparable
    joint: int  # acts by which a member joined another, at the group's window
    joints: tuple[int, ...]  # ascending
    event: float  # lower bound of the clock ratio B
    events: tuple[float, ...]  # ascending; fewer sets, 0 where there is too little to time


@dataclass(frozen=True, slots=True)
class Retest:
    """Whether a finding stands when one thing is changed."""

    what: str  # window, search, chance, false alarms, clock, fewer acts, half
    value: str  # 10 min, 2×, draw 3, …
    stands: bool


@dataclass(frozen=True, slots=True)
class Posterior:
    """How likely a group that stands is a planned one, by the worlds it was fitted on."""

    version: str
    prevalence: float  # assumed share of planned groups among those that stand
    likelihood_ratio: float
    probability: float


@dataclass(frozen=True, slots=True)
class WindowCount:
    """Joint member pairs within a window, seen and expected."""

    seconds: int
    observed: int
    expected: float
    p: float


@dataclass(frozen=True, slots=True)
class Narrative:
    """What the group's posts are about: terms and exemplar posts, never a judgement."""

    terms: tuple[str, ...]
    exemplars: tuple[int, ...]  # post rows


@dataclass(frozen=True, slots=True)
class Impact:
    """One measure of the conversation with, without and between."""

    metric: str  # acts, accounts, coalesced · of: the whole, or one object / topic
    subject: str
    with_group: float
    without: float
    coalesced: float
    low: float  # 95 % interval of `without`
    high: float
    note: str


@dataclass(frozen=True, slots=True)
class Appearance:
    """A finding in one period: how many of it were there, and what had become of it."""

    start: int  # microseconds
    span: int  # microseconds
    members: int  # with posts or acts that took part
    joined: int  # of them, not there before
    left: int  # there when it was last active, and no longer
    posts: int  # posts and acts that took part
    state: str  # born, grew, shrank, steady, dormant, returned


@dataclass(frozen=True, slots=True)
class JointAct:
    """Several members on one object inside one burst: the atom of a finding's evidence."""

    signal: str
    object: str  # label
    posts: tuple[int, ...]  # post rows, in time order
    members: int  # k: members in the burst
    actors: int  # m: all distinct actors in the burst
    expected: float  # μ: members chance would put there
    weight: float  # nats
    acts: tuple[int, ...] = ()  # rows of Acts, in time order: in place of posts where it has none


@dataclass(frozen=True, slots=True)
class Finding:
    """A group with its behaviour, evidence, counter-evidence, class and band."""

    id: str  # f- and 12 hex digits
    class_: Class
    subclass: str  # e.g. "private objects", "own clock, too few outsiders"; "" if none
    band: Band
    look_alike: LookAlike | None
    signals: tuple[str, ...]  # strongest first
    members: tuple[Member, ...]
    posts: tuple[int, ...]  # rows of Posts, ascending
    start: int  # microseconds
    end: int
    window: int  # seconds, of the strongest tiling
    observed: int  # joint acts within that window
    expected: float  # joint acts chance would give
    q: float
    net: float
    rho: float
    windows: tuple[WindowCount, ...]
    clock: Clock | None
    breadth: Breadth | None
    joint_acts: tuple[JointAct, ...]  # strongest first, at most 200
    gap_rhythm: Mapping[str, float]  # median gap between members' acts on one object, shares …
    sentence: str  # what was seen, in words a reader can check
    counter_evidence: tuple[str, ...]  # sentences, each true whatever the class
    stability: Mapping[str, int]
    narrative: Narrative | None = None
    impact: tuple[Impact, ...] = ()
    acts: tuple[int, ...] = ()  # rows of Acts that took part, ascending
    history: tuple[Appearance, ...] = ()  # from its first active period to the end of the data
    controls: Controls | None = None
    retests: tuple[Retest, ...] = ()
    dealt: str = ""  # the class it would have with delays dealt anew; "" if not asked
    survived: tuple[str, ...] = ()  # sentences on controls, dealt delays and posterior
    posterior: Posterior | None = None
    followed: tuple[Followed, ...] = ()  # by account; not members, not counted
    earned: Earned | None = None  # of a coordinated finding


@dataclass(frozen=True, slots=True)
class Highlight:
    """Why one post is marked: which finding, with whom, and which characters are shared."""

    post: int  # row of Posts
    finding: str
    signal: str
    object: str
    counterparts: tuple[int, ...]  # post rows of other members, nearest in time first, at most 10
    partners: int  # members who did the same within the window
    expected: float  # members chance would put there
    start: int  # [start, end) characters of the raw text that are shared; 0, 0 if none
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class ActHighlight:
    """Why one act without text is marked: which finding, and with whom."""

    act: int  # row of Acts
    finding: str
    signal: str
    object: str
    counterparts: tuple[int, ...]  # rows of Acts, nearest in time first, at most 10
    partners: int  # members who did the same within the window
    expected: float  # members chance would put there
    reason: str


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest campaign this data could have shown at 80 % power."""

    signal: str
    accounts: int
    joint_acts: int  # per account
    jitter: int  # seconds
    power: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One signal after detection: its actions, pools, kept edges and bookkeeping."""

    actions: Actions
    strata: Strata
    scored: ScoredEdges
    stat: NullStat
