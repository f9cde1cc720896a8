"""What a finding says in words: what was seen, and what speaks against it.

Numbers in, plain sentences out, the same for every class: each is true whatever the group is
called. The room computes nothing and never says who runs an account, why, or whether a claim is
true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klieg.tables import Breadth, Clock

__all__ = [
    "PAGES",
    "breadth",
    "company",
    "count",
    "event",
    "habit",
    "limits",
    "pace",
    "pages",
    "q_words",
    "seen",
    "several",
    "span",
]

DID: Final[Mapping[str, tuple[str, str, str]]] = {
    "repost": ("reposted", "post", "posts"),
    "link": ("posted", "link", "links"),
    "domain": ("linked to", "site", "sites"),
    "hashtags": ("posted", "sequence of hashtags", "sequences of hashtags"),
    "hashtag_pairs": ("posted", "pair of hashtags", "pairs of hashtags"),
    "mention": ("mentioned", "account", "accounts"),
    "reply": ("replied to", "post", "posts"),
    "copies": ("posted", "text", "texts"),
    "paraphrases": ("put into other words", "text", "texts"),
    "image": ("posted", "image", "images"),
    "like": ("liked", "post", "posts"),
    "follow": ("followed", "account", "accounts"),
    "vote": ("voted the same way on", "thing", "things"),
    "rating": ("gave the same rating to", "thing", "things"),
    "report": ("reported", "thing", "things"),
    "fast_repost": ("passed on, within seconds,", "author", "authors"),
    "synchrony": ("began to post in", "stretch of three hours", "stretches of three hours"),
    "reaction": ("reacted in the same way to", "thing", "things"),
}
"""What members did to what, one and many."""

PAGES: Final = frozenset({"facebook", "crowdtangle", "instagram", "telegram", "vk", "youtube"})
"""Platforms where one person commonly runs several pages or channels."""

CHANNEL: Final = (
    "A shared private channel, such as a group chat whose members pass the same posts on, would "
    "look exactly like this."
)
CROSSED: Final = (
    "The clock was read twice: for these accounts on all days, and for what was found on every "
    "other day on the days between, where the search had not looked. The lower figures count."
)
IN_SAMPLE: Final = (
    "The clock was read on the same posts in which the group was found, which flatters it; the "
    "band is no stronger than likely."
)


def seen(
    signal: str, *, accounts: int, objects: int, window: int, times: int, expected: float, q: float
) -> str:
    """The one sentence a reader can check, e.g. of 41 accounts, 12 links, 60 s and 87 times."""
    verb, one, many = DID.get(signal, ("acted on", "thing", "things"))
    what = f"the same {one}" if objects == 1 else f"the same {objects:,} {many}"
    often = "once" if times == 1 else f"{times:,} times"
    return (
        f"These {accounts:,} accounts {verb} {what} within {span(window)} of each other, "
        f"{often}. By chance we expect {count(expected)} ({q_words(q)})."
    )


def pace(clock: Clock, source: str) -> str:
    """A: what comparable accounts' pace explains."""
    beside = {
        "stored": "a stored profile of ordinary accounts, because too few others were left here",
        "link": "how close comparable accounts come on one link",
        "repost": "how close comparable accounts come on one reposted post",
        "like": "how close comparable accounts come on one liked post",
    }.get(source, "how close comparable accounts come on one thing")
    return f"The natural pace of accounts predicts a ratio near 1 ({beside}); {_seen(clock.pace)}."


def event(clock: Clock) -> str:
    """B: what everybody's rush to the same things explains."""
    return (
        "A shared interest or breaking news predicts that others on the same things were as "
        f"simultaneous, a ratio near 1; {_seen(clock.event)}."
    )


def habit(clock: Clock) -> str:
    """C: what a habit of quick reaction explains."""
    return (
        "A habit of reacting at the same delay to everything predicts a ratio near 1; "
        f"{_seen(clock.habit)}."
    )


def company(with_company: int, objects: int, outsiders: int) -> str:
    """How much the comparison with others rests on."""
    if not with_company:
        return (
            f"None of the {objects:,} shared things was acted on by {outsiders} outsiders or more: "
            "what others would have done there cannot be said."
        )
    return (
        f"On {with_company:,} of {objects:,} shared things at least {outsiders} outsiders were "
        "there to compare with."
    )


def breadth(found: Breadth) -> str:
    """How much hangs on few sources."""
    if not found.top_targets:
        return "The evidence cannot be credited to sources."
    top = " and ".join(f"{name} {share:.0%}" for name, share in found.top_targets[:2])
    return (
        f"Fans of one source would concentrate on it; here the strongest sources give {top} of "
        f"the evidence, and without the two strongest {found.net_without_two:.0f} nats remain."
    )


def several(signals: Sequence[str], deciding: str) -> str:
    """Which signal's table decided, where several carry the evidence."""
    rest = ", ".join(s for s in signals if s != deciding)
    return f"The evidence lies in several signals: {deciding}, which decided the class, and {rest}."


def pages(rhythm: Mapping[str, float]) -> str:
    """One hand on several pages."""
    return (
        f"Possibly one person: on this platform one person may run several pages, and "
        f"{rhythm['3_to_60_s']:.0%} of the gaps are of 3 to 60 s."
    )


def limits(*, resolution: int, collections: int, flat_only: bool) -> list[str]:
    """What the data do not allow to say."""
    out = []
    if resolution >= 60:
        out.append(
            f"Times are no finer than {span(resolution)}: closer coincidence cannot be told."
        )
    if collections <= 1:
        out.append(
            "All posts come from one collection: what it left out, and why, is not known here."
        )
    if flat_only:
        out.append(
            "The group was found only without interest pools: a shared interest is less well "
            "excluded."
        )
    return out


def span(seconds: float) -> str:
    """60 s, 10 min, 1 h, 2 days."""
    for size, word in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds == size and word == "h"):
            value = seconds / size
            return f"{value:.0f} {word}" if value == round(value) else f"{value:.1f} {word}"
    return f"{seconds:.0f} s"


def count(x: float) -> str:
    """An expected number as people write it: 0.3, 12, fewer than 0.1."""
    if x < 0.1:
        return "fewer than 0.1"
    return f"{x:.1f}" if x < 10 else f"{x:,.0f}"


def q_words(q: float) -> str:
    """``q < 0.001`` or ``q = 0.004``."""
    return "q < 0.001" if q < 0.001 else f"q = {q:.3f}"


def _seen(measured: tuple[float, float, int]) -> str:
    ratio, bound, window = measured
    if bound == 0:
        return f"too few joint acts to bound it (ratio {ratio:.1f})"
    return f"seen is {ratio:.1f}, at least {bound:.1f}, within {span(window)}"
