"""X's Community Notes: the tables of notes and of ratings, as published each day. Their headers.

A note is a reply to the post it is about, by a participant under an alias. A rating is an act: its
object is the note, its value the level, so that who rates the same notes the same way can be seen.
Participants are not X accounts, hence a platform of their own.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from klieg.sources.acts_table import acts_format
from klieg.sources.columns import first_filled, put
from klieg.sources.desk import Desk
from klieg.sources.formats import either
from klieg.sources.frames import Frame
from klieg.sources.tabular import fixed

__all__ = ["source"]

_NOTES = {
    "post_id": "noteId",
    "account_id": "noteAuthorParticipantId",
    "time": "createdAtMillis",
    "text": "summary",
    "reply_to": "tweetId",
}
_RATING, _LEVEL = "noteId/raterParticipantId", "level"
_RATINGS = {
    "account_id": "raterParticipantId",
    "object_id": "noteId",
    "time": "createdAtMillis",
    "value": _LEVEL,
    "act_id": _RATING,
}
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"))
_OLD = (("helpful", "HELPFUL"), ("notHelpful", "NOT_HELPFUL"), ("agree", "AGREE"))


def _written(frame: Frame, desk: Desk) -> Frame:
    text = first_filled(frame, "summary")
    for entity, character in _ENTITIES:
        text = pc.replace_substring(text, entity, character)
    return put(frame, {"summary": text})


def _rated(frame: Frame, desk: Desk) -> Frame:
    note, level = first_filled(frame, "noteId"), first_filled(frame, "helpfulnessLevel")
    for column, word in _OLD:  # before levels there were yes and no
        said = pc.fill_null(pc.equal(first_filled(frame, column), "1"), False)
        level = pc.coalesce(level, pc.if_else(said, word, pa.scalar(None, pa.string())))
    rater = first_filled(frame, "raterParticipantId")
    return put(
        frame,
        {
            _RATING: pc.binary_join_element_wise(note, rater, "/"),
            _LEVEL: level,
        },
    )


_SAMPLES = (
    b"noteId\tnoteAuthorParticipantId\tcreatedAtMillis\ttweetId\tclassification\tsummary\n"
    b"11\tA1\t1714557600000\t901\tNOT_MISLEADING\tThis is so.\n"
    b"12\tB2\t1714557609000\t901\tNOT_MISLEADING\tThis is not so.\n",
    b"noteId\traterParticipantId\tcreatedAtMillis\tversion\thelpfulnessLevel\tratedOnTweetId\n"
    b"11\tC3\t1714557700000\t2\tHELPFUL\t901\n"
    b"11\tD4\t1714557704000\t2\tHELPFUL\t901\n",
)

source = either(
    "community_notes",
    fixed(
        "community_notes",
        ("noteId", "noteAuthorParticipantId", "createdAtMillis", "summary"),
        _NOTES,
        _SAMPLES[:1],
        platform="community_notes",
        derive=_written,
    ),
    acts_format(
        "community_notes",
        ("noteId", "raterParticipantId", "createdAtMillis"),
        _RATINGS,
        _SAMPLES[1:],
        act="rating",
        platform="community_notes",
        derive=_rated,
        reads=("noteId", "helpfulnessLevel", *(column for column, _ in _OLD)),
    ),
)
