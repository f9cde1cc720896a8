"""Files people take for posts that hold none, and the sentence that says what they are.

Looked at only where no format is sure of an input. The room knows shapes of things that are not
posts.
"""

from __future__ import annotations

from dataclasses import dataclass

from klieg.sources.peek import Peek

__all__ = ["what_it_is"]


@dataclass(frozen=True, slots=True)
class _Thing:
    """Something recognised by the keys or columns it has, and those it lacks."""

    has: tuple[str, ...]
    lacks: tuple[str, ...]
    what: str


_THINGS = (
    _Thing(
        ("userid", "user_screen_name", "follower_count", "account_creation_date"),
        ("tweet_text",),
        "the accounts of X's archive of information operations; the posts stand in its file of "
        "tweets",
    ),
    _Thing(
        ("noteId", "noteAuthorParticipantId", "currentStatus"),
        ("summary",),
        "the history of Community Notes' statuses, which has no text; give the table of notes or "
        "of ratings",
    ),
    _Thing(
        ("participantId", "enrollmentState"),
        (),
        "the enrolment of Community Notes' participants; give the table of notes or of ratings",
    ),
    _Thing(("follows", "subject.did"), (), "a list of whom a Bluesky account follows"),
    _Thing(("followers", "subject.did"), (), "a list of who follows a Bluesky account"),
    _Thing(
        ("uri", "cid", "value.did", "value.displayName"),
        (),
        "a record of a Bluesky feed generator (its name and picture)",
    ),
    _Thing(
        ("relay_url", "jetstream_url", "frames"),
        (),
        "the manifest of a Jetstream capture; give the frames, the files of JSON lines beside it",
    ),
    _Thing(
        ("account_a", "account_b", "weight"),
        (),
        "the edges of a network that was computed before, as CooRTweet writes them; give the posts",
    ),
    _Thing(
        ("schema_version", "findings", "totals"),
        (),
        "the result of a scan by klieg; give the posts it was made from",
    ),
)


def what_it_is(shape: Peek, head: bytes) -> str | None:
    """One sentence on an input that holds no posts, or None where it is no known thing."""
    for thing in _THINGS:
        if shape.has(*thing.has) and not any(shape.has(name) for name in thing.lacks):
            return f"{thing.what}. There are no posts in it"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, perhaps of a login or an error, saved in place of the file of posts"
    if start.startswith(b"<?xml") or b"<gexf" in start or b"<graphml" in start:
        return "XML (a network or a feed); klieg reads posts as CSV, TSV, JSON, JSONL or Parquet"
    return None
