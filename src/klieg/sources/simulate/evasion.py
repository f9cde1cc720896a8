"""How a campaign hides: teams, spacing, paraphrase, other languages, few targets, framing, batches.

What is hidden here is planted by ``campaigns``. An evasion costs the attacker: its rooms say what
changes, and nothing about who looks. It knows no detector, only rules that anybody may read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from klieg.errors import ConfigError
from klieg.sources.simulate.drafts import CLIENTS, KIND, Draft, take
from klieg.sources.simulate.planting import Ground, drafted
from klieg.sources.simulate.population import join, people
from klieg.sources.simulate.rewriting import Message, Rewriter, grammar, messages
from klieg.sources.simulate.words import TOPICS

if TYPE_CHECKING:
    from klieg.sources.simulate.campaigns import Campaign
    from klieg.sources.simulate.population import People
    from klieg.tables import F64, I64

__all__ = [
    "Batch",
    "Evasion",
    "below_the_windows",
    "disguised",
    "enlisted",
    "framing",
    "teamed",
]

HandleStyle = Literal["usual", "numbered", "stem"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Accounts made in one go. What a mass registration leaves behind."""

    within_s: float = 6 * 3600.0  # all created within
    age_days: float = 40.0  # before the world starts
    handles: HandleStyle = "numbered"  # given name + 8 digits; or one stem + a running number
    client: str | None = "Web"  # all post with; None: as people do

    def __post_init__(self) -> None:
        styles = ("usual", "numbered", "stem")
        if self.handles not in styles:
            raise ConfigError("batch handles", self.handles, ", ".join(styles))
        if self.client is not None and self.client not in CLIENTS:
            raise ConfigError("batch client", self.client, ", ".join(CLIENTS))
        if self.within_s <= 0 or self.age_days < 0:
            raise ConfigError("batch within_s", self.within_s, "above 0 seconds, age_days from 0")


@dataclass(frozen=True, slots=True)
class Evasion:
    """What a campaign does to stay unseen; the values given here do nothing."""

    # standing teams in turn; another team each time is Campaign(participation=1 / teams)
    teams: int = 1
    targets: int | None = None  # authors or domains pushed; None: another for each object
    per_target: int | None = None  # joint acts of an account on one author or domain, at most
    spacing_s: float = 0.0  # between two members on one object, at least
    paraphrase: float = 0.0  # share of texts that share no wording with the message (copies)
    edits: float = 0.0  # chance of each phrase around the core to be the member's own (copies)
    languages: int = 1  # members write in this many languages of the world
    framed: int = 0  # ordinary accounts that the members imitate
    framed_acts: int = 6  # reposts of each that they repeat
    framed_ahead: float = 0.0  # share of them they guess: they come first there, not after
    framed_popular: bool = False  # imitate those who share most, on what many of them share
    batch: Batch | None = None
    rewriter: Rewriter | None = None  # None: the grammar

    def __post_init__(self) -> None:
        for knob, value, fits, allowed in (
            ("teams", self.teams, self.teams >= 1, "1 or more"),
            ("targets", self.targets, self.targets is None or self.targets >= 1, "1 or more"),
            (
                "per_target",
                self.per_target,
                self.per_target is None or self.per_target >= 1,
                "1 or more",
            ),
            ("spacing_s", self.spacing_s, self.spacing_s >= 0, "0 or more seconds"),
            ("paraphrase", self.paraphrase, 0 <= self.paraphrase <= 1, "0 … 1"),
            ("edits", self.edits, 0 <= self.edits <= 1, "0 … 1"),
            ("languages", self.languages, self.languages >= 1, "1 or more"),
            ("framed", self.framed, self.framed >= 0, "0 or more accounts"),
            ("framed_acts", self.framed_acts, self.framed_acts >= 1, "1 or more"),
            ("framed_ahead", self.framed_ahead, 0 <= self.framed_ahead <= 1, "0 … 1"),
        ):
            if not fits:
                raise ConfigError(f"evasion {knob}", value, allowed)

    def parameters(self) -> dict[str, Any]:
        """What the truth keeps of it: plain values, the rewriter by name."""
        out = asdict(replace(self, rewriter=None))
        out["rewriter"] = getattr(self.rewriter or grammar, "__name__", "rewriter")
        return out


def below_the_windows(window_s: float, *, cap: int = 1, teams: int = 1) -> Evasion:
    """The attacker who read our rules: just over the window, within the cap per author."""
    return Evasion(spacing_s=1.02 * window_s, per_target=cap, teams=teams)


def enlisted(
    rng: np.random.Generator, ground: Ground, campaign: Campaign, community: int, rate: F64 | None
) -> People:
    """The members: of several languages, made in one go, where the evasion says so."""
    evasion = campaign.evasion or Evasion()
    among = ground.scene.among
    homes = [community]
    for language in range(len(ground.scene.vocabulary.languages)):
        if len(homes) < evasion.languages and language != among.language[community]:
            fits = np.flatnonzero(among.language == language)
            homes.append(int(rng.choice(fits, p=among.weight[fits] / among.weight[fits].sum())))
    counts = [len(x) for x in np.array_split(np.arange(campaign.size), len(homes))]
    parts = [
        people(rng, n, among, component=ground.component, community=home)
        for n, home in zip(counts, homes, strict=True)
    ]
    new = parts[0] if len(parts) == 1 else join(parts)
    if rate is not None:
        new = replace(new, rate=rate)
    return new if evasion.batch is None else _batched(rng, new, evasion.batch)


def _batched(rng: np.random.Generator, new: People, batch: Batch) -> People:
    age = batch.age_days + rng.random(new.n) * batch.within_s / 86_400
    handle = new.handle
    if batch.handles == "numbered":
        drawn = rng.permutation(np.unique(rng.integers(10**7, 10**8, 2 * new.n + 20)))
        number = pc.cast(pa.array(drawn[: new.n]), pa.string())
        given = pc.list_element(pc.split_pattern(new.handle, "_"), 0)
        handle = pc.binary_join_element_wise(given, number, "")
    elif batch.handles == "stem":
        mark = str(int(new.ids[0]) // 1024 % 997)
        number = pc.cast(pa.array(np.arange(1, new.n + 1)), pa.string())
        handle = pc.binary_join_element_wise(f"voice{mark}", number, "_")
    client = new.client
    if batch.client is not None:
        client = np.full(new.n, CLIENTS.index(batch.client), np.int32)
    return replace(new, age=age, handle=handle, client=client)


def teamed(rng: np.random.Generator, campaign: Campaign) -> tuple[I64, I64]:
    """Who does what: members are shuffled into teams, team k has objects k, k + teams, …"""
    teams = (campaign.evasion or Evasion()).teams
    each = campaign.objects // teams
    team = rng.permutation(campaign.size) % teams
    order = np.argsort(rng.random((campaign.size, each)), axis=1, kind="stable")
    thing = order[:, : campaign.acts] * teams + team[:, None]
    return np.repeat(np.arange(campaign.size), campaign.acts), thing.ravel()


def disguised(
    rng: np.random.Generator,
    ground: Ground,
    campaign: Campaign,
    community: int,
    joint: Draft,
    member: I64,
    thing: I64,
    new: People,
) -> Draft:
    """The joint posts after spacing, rewriting, translation and the cap per target, in turn."""
    evasion = campaign.evasion or Evasion()
    if evasion.paraphrase or evasion.languages > 1:
        joint = _reworded(rng, ground, evasion, community, joint, member, thing, new)
    if evasion.spacing_s:
        joint = replace(joint, time=_spaced(rng, joint.time, thing, evasion.spacing_s * 1000))
    if evasion.per_target is not None:
        joint = take(joint, _within_cap(ground, joint, evasion.per_target))
    return joint


def _reworded(
    rng: np.random.Generator,
    ground: Ground,
    evasion: Evasion,
    community: int,
    joint: Draft,
    member: I64,
    thing: I64,
    new: People,
) -> Draft:
    vocabulary, among = ground.scene.vocabulary, ground.scene.among
    spoken = among.language[new.community[member]]
    words = np.array(joint.words.to_pylist(), object)
    alike = np.flatnonzero(joint.kind == KIND["post"])
    if not (joint.tags[alike] >= 0).any():
        main = vocabulary.languages[int(among.language[community])]
        told = messages(rng, int(thing.max()) + 1, main)
        other = rng.random(joint.n) < evasion.paraphrase
        _say(words, alike, told, thing, spoken, other, vocabulary.languages, evasion)
    else:
        alike = alike[:0]
    # a comment of one's own is written in one's own language
    own = np.isin(joint.kind, (KIND["post"], KIND["link"], KIND["reply"]))
    own &= spoken != joint.language
    own[alike] = False
    rows = np.flatnonzero(own)
    if len(rows):
        cell = vocabulary.cell(spoken[rows], among.topic[new.community[member[rows]]])
        text = vocabulary.render(vocabulary.lines(rng, cell), rng.integers(0, 10, len(rows)))
        words[rows] = text.to_pylist()
    language = joint.language.copy()
    language[own] = spoken[own]
    language[alike] = spoken[alike]
    return replace(joint, words=pa.array(words.tolist(), pa.string()), language=language)


def _say(
    words: np.ndarray[Any, np.dtype[np.object_]],
    rows: I64,
    told: list[Message],
    thing: I64,
    spoken: I64,
    other: np.ndarray[Any, np.dtype[np.bool_]],
    languages: tuple[str, ...],
    evasion: Evasion,
) -> None:
    """Fill in each member's version of its message, in its language."""
    rewrite = evasion.rewriter or grammar
    for t in np.unique(thing[rows]):
        for language in np.unique(spoken[rows]):
            mine = rows[(thing[rows] == t) & (spoken[rows] == language)]
            changed = mine[other[mine]]
            said = list(rewrite(told[t], len(changed) + 1, languages[int(language)]))
            if len(said) <= len(changed):
                raise ConfigError("evasion rewriter", len(said), f"{len(changed) + 1} texts")
            words[mine] = said[0]
            words[changed] = np.array(said[1 : len(changed) + 1], object)


def _spaced(rng: np.random.Generator, time: I64, thing: I64, gap: float) -> I64:
    """(n,) times on each object at least ``gap`` milliseconds apart, in the same order."""
    out = time.copy()
    for t in np.unique(thing):
        rows = np.flatnonzero(thing == t)
        rows = rows[np.argsort(time[rows], kind="stable")]
        least = gap * (1 + 0.1 * rng.random(len(rows) - 1))
        gaps = np.maximum(np.diff(time[rows]), np.ceil(least).astype(np.int64))
        out[rows] = time[rows[0]] + np.concatenate([[0], np.cumsum(gaps)])
    return out


def _within_cap(ground: Ground, joint: Draft, cap: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    refers = joint.ref >= 0
    target = np.where(refers, ground.around.draft.author[np.maximum(joint.ref, 0)], -1)
    outlet = ground.around.news.outlet
    known = (joint.url >= 0) & (joint.url < len(outlet))
    target = np.where(known, outlet[np.where(known, joint.url, 0)] + 2**40, target)
    key = joint.author * 2**44 + target
    order = np.argsort(key, kind="stable")
    place = np.empty(joint.n, np.int64)
    place[order] = np.arange(joint.n) - np.searchsorted(key[order], key[order])
    return np.asarray((place < cap) | (target < 0), np.bool_)


def framing(
    rng: np.random.Generator, ground: Ground, campaign: Campaign, delays: I64, new: People
) -> tuple[Draft, I64, I64]:
    """Members repost what chosen ordinary accounts repost, each time right behind them.

    ``delays`` (size · framed · framed_acts,) milliseconds. Gives the posts, the imitated accounts
    (rows of the world's people), and which reposts of theirs were imitated.
    """
    evasion, draft = campaign.evasion or Evasion(), ground.around.draft
    reposts = np.flatnonzero(draft.kind == KIND["repost"])
    author, source = draft.author[reposts], draft.author[draft.ref[reposts]]
    # one repost of each author, so that the imitation is broad
    _, once = np.unique(author * 2**31 + source, return_index=True)
    rows = reposts[np.sort(once)]
    count = np.bincount(draft.author[rows], minlength=ground.who.n)
    fits = np.flatnonzero(count >= evasion.framed_acts)
    if len(fits) < evasion.framed:
        raise ConfigError("evasion framed", evasion.framed, f"at most {len(fits)} in this world")
    shared = np.bincount(draft.ref[rows], minlength=draft.n)[draft.ref[rows]]
    if evasion.framed_popular:
        company = np.bincount(draft.author[rows], weights=shared, minlength=ground.who.n)
        ranked = fits[np.argsort(-(company / np.maximum(count, 1))[fits], kind="stable")]
        innocent = np.sort(ranked[: evasion.framed])
    else:
        innocent = np.sort(rng.choice(fits, evasion.framed, replace=False))
    copied = np.concatenate([_copied(rng, evasion, draft, rows, shared, i) for i in innocent])
    member = np.repeat(np.arange(campaign.size), len(copied))
    post = np.tile(copied, campaign.size)
    keep = rng.random(len(post)) < 0.8
    after = draft.time[post] + 2_000 + delays
    if evasion.framed_ahead:
        after = _guessed(rng, evasion, draft, post, len(copied), delays)
    made = drafted(
        ground.base + member[keep],
        after[keep],
        "repost",
        draft.language[post[keep]].astype(np.int64) * len(TOPICS),
        ref=draft.ref[post[keep]],
        client=new.client[member[keep]],
    )
    return made, innocent, np.sort(copied)


def _copied(
    rng: np.random.Generator, evasion: Evasion, draft: Draft, rows: I64, shared: I64, who: int
) -> I64:
    """Which reposts of one account are imitated: any of them, or those that most others share."""
    mine = rows[draft.author[rows] == who]
    if not evasion.framed_popular:
        return np.asarray(rng.choice(mine, evasion.framed_acts, replace=False))
    crowd = shared[draft.author[rows] == who]
    best: I64 = mine[np.argsort(-crowd, kind="stable")[: evasion.framed_acts]]
    return best


def _guessed(
    rng: np.random.Generator, evasion: Evasion, draft: Draft, post: I64, copied: int, delays: I64
) -> I64:
    """Times of members who knew, for a share of the reposts, when the imitated would make them.

    Never before the post that is reposted; where its age leaves no room, right after it.
    """
    guess = np.tile(rng.random(copied) < evasion.framed_ahead, len(post) // copied)
    born = draft.time[draft.ref[post]]
    before = np.maximum(draft.time[post] - 2_000 - delays, born + 1_000)
    return np.asarray(np.where(guess, before, draft.time[post] + 2_000 + delays))
