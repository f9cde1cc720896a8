"""The form in which a case may leave the machine: pseudonyms, templates, domains, unreviewed.

Ids become HMAC-SHA256 pseudonyms under a key that stays on the machine, texts become templates with
slots, links their domain; names, handles, counters of single posts and file names go. Numbers of
the evidence stay as they are. The room knows what identifies; it knows no format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from klieg.case.keyring import local_key
from klieg.case.pseudonyms import (
    ACCOUNT_REFERENCES,
    POST_REFERENCES,
    Pseudonyms,
    pseudonyms_of,
)
from klieg.case.templates import OUTSIDE, SLOT, defanged, template, without_links
from klieg.tables import ACTS, POSTS, ActHighlight, Actions, Highlight, Posts

if TYPE_CHECKING:
    from klieg.case.case import Case
    from klieg.tables import Finding, Impact, Intake, Layer

__all__ = ["SHARED", "is_shared", "pseudonymise"]

SHARED = (
    "Shared form: unreviewed. Accounts and posts are pseudonyms, texts are templates, links are "
    "reduced to their domain."
)
"""The first note of every shared case: by it a case is known to be one."""

Mark = TypeVar("Mark", Highlight, ActHighlight)
_EMPTIED = ("metrics", "source_file", "source_row")
_QUOTED = re.compile(r"[“\"«„‘][^“”\"«»„]{2,}[”\"»’“]")
_LONG_ID = 6  # a shorter number in a sentence may be a count

_Labels = Mapping[str, Mapping[str, str]]  # signal → label of an object or target → shared form


def is_shared(case: Case) -> bool:
    """Whether a case already has the shared form."""
    return case.notes[:1] == (SHARED,)


def pseudonymise(case: Case, key: bytes | None = None) -> Case:
    """The case in the form that may leave the machine; one that has it already comes back as it is.

    ``key`` is 32 secret bytes; by default the case's own, made at random the first time and kept in
    the user's folder (``klieg.case.keyring``), so that two exports of a case agree.
    """
    if is_shared(case):
        return case
    signals = [layer.actions.signal for layer in case.layers]
    names = pseudonyms_of(case.posts, signals, local_key(case.posts) if key is None else key)
    posts = _posts(case.posts, names)
    layers, labels = _layers(case, names)
    reasons: dict[str, set[str]] = {}
    for mark in case.highlights:
        reasons.setdefault(mark.finding, set()).add(mark.reason)
    for act in case.act_highlights:
        reasons.setdefault(act.finding, set()).add(act.reason)
    words = {f.id: _words(case, f, reasons.get(f.id, set()), names, labels) for f in case.findings}
    return replace(
        case,
        run=replace(case.run, command=()),
        intake=_intake(case.intake),
        posts=posts,
        layers=layers,
        findings=tuple(_finding(case, f, words[f.id], labels) for f in case.findings),
        highlights=tuple(
            _highlight(h, words.get(h.finding), names, labels) for h in case.highlights
        ),
        act_highlights=tuple(
            _highlight(h, words.get(h.finding), names, labels) for h in case.act_highlights
        ),
        impact=tuple(_impact(impact, names, labels) for impact in case.impact),
        notes=(SHARED, *(without_links(note) for note in case.notes)),
    )


# --- posts and layers ----------------------------------------------------------------------------


def _posts(posts: Posts, names: Pseudonyms) -> Posts:
    columns = {name: posts.table[name] for name in POSTS.names}
    platform = columns["platform"].to_pylist()
    for kind, named in (
        ("post", ("post_id", *POST_REFERENCES)),
        ("account", ("account_id", *ACCOUNT_REFERENCES)),
    ):
        for name in named:
            columns[name] = pa.array(
                [
                    None if value is None else names.of(kind, place, value)
                    for place, value in zip(platform, columns[name].to_pylist(), strict=True)
                ],
                pa.string(),
            )
    if posts.acts is not None:
        posts = replace(posts, acts=replace(posts.acts, table=_acts(posts.acts.table, names)))
    columns["text"] = _each(columns["text"], names.template)
    columns["urls"] = _in_lists(columns["urls"], lambda _, url: defanged(url), platform)
    columns["hashtags"] = _in_lists(
        columns["hashtags"],
        lambda _, tag: tag if tag.lstrip("#").casefold() in names.common else SLOT,
        platform,
    )
    columns["mentions"] = _in_lists(columns["mentions"], names.person, platform)
    columns["objects"] = _in_lists(
        columns["objects"],
        lambda place, o: {"trace": o["trace"], "id": names.label(place, o["id"])},
        platform,
    )
    columns["media"] = _in_lists(columns["media"], lambda _, m: {"type": m["type"]}, platform)
    columns["account"] = pa.array(
        [_profile(account) for account in columns["account"].to_pylist()],
    )
    for name in _EMPTIED:
        columns[name] = pa.nulls(posts.n, POSTS.field(name).type)
    return replace(
        posts,
        table=pa.table([columns[f.name] for f in POSTS], names=POSTS.names).cast(POSTS),
        account_ids=pa.array(
            [
                names.of("account", place, account)
                for place, account in zip(
                    posts.account_platforms.to_pylist(), posts.account_ids.to_pylist(), strict=True
                )
            ],
            pa.string(),
        ),
    )


def _acts(table: pa.Table, names: Pseudonyms) -> pa.Table:
    """The acts without a name that leads back; which way they went stays."""
    platform = table["platform"].to_pylist()

    def told(column: str, rule: Callable[[str, str], str]) -> pa.Array:
        values = zip(platform, table[column].to_pylist(), strict=True)
        return pa.array([None if v is None else rule(p, v) for p, v in values], pa.string())

    columns = {name: table[name] for name in ACTS.names}
    for name in ("account_id", "object_account"):
        columns[name] = told(name, lambda place, value: names.of("account", place, value))
    columns["object_id"] = told("object_id", names.label)
    for name in ("act_id", "source_file", "source_row"):
        columns[name] = pa.nulls(table.num_rows, ACTS.field(name).type)
    return pa.table(columns, schema=ACTS)


def _layers(case: Case, names: Pseudonyms) -> tuple[tuple[Layer, ...], dict[str, dict[str, str]]]:
    layers, labels = [], {}
    for layer in case.layers:
        actions = layer.actions
        told = _labels(case.posts, actions, actions.object, actions.labels, names)
        targets = _labels(case.posts, actions, actions.target, actions.target_labels, names)
        shared = replace(
            actions,
            labels=pa.array(told, pa.string()),
            target_labels=pa.array(targets, pa.string()),
        )
        layers.append(replace(layer, actions=shared))
        labels[actions.signal] = {
            **dict(zip(actions.target_labels.to_pylist(), targets, strict=True)),
            **dict(zip(actions.labels.to_pylist(), told, strict=True)),
        }
    return tuple(layers), labels


def _labels(
    posts: Posts, actions: Actions, index: np.ndarray[Any, Any], labels: pa.Array, names: Pseudonyms
) -> list[str]:
    """Shared names of objects or targets; an id counts on the platform of the first who used it."""
    place = np.zeros(len(labels), np.int64)
    used = index[::-1] >= 0
    place[index[::-1][used]] = actions.account[::-1][used]
    platforms = posts.account_platforms.take(pa.array(place)).to_pylist() if len(labels) else []
    return [
        names.label(platform, label)
        for platform, label in zip(platforms, labels.to_pylist(), strict=True)
    ]


def _intake(intake: Intake) -> Intake:
    inputs = tuple(
        {"path": f"input {i}", **{k: v for k, v in entry.items() if k in ("format", "rows")}}
        for i, entry in enumerate(intake.inputs, start=1)
    )
    notes = tuple(without_links(note) for note in intake.notes)
    return replace(intake, inputs=inputs, notes=notes)


def _profile(account: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is left of a profile: the month it was made, and whether it was verified."""
    if account is None:
        return None
    made = account["created_at"]
    month = made and made.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    empty = dict.fromkeys(("handle", "name", "followers", "following"))
    return {**empty, "created_at": month, "verified": account["verified"]}


def _each(column: pa.ChunkedArray, rule: Callable[[str], str]) -> pa.Array:
    coded = column.combine_chunks().dictionary_encode()
    return pa.array([rule(text) for text in coded.dictionary.to_pylist()], pa.string()).take(
        coded.indices
    )


def _in_lists(
    column: pa.ChunkedArray, rule: Callable[[str, Any], Any], platform: list[str]
) -> pa.Array:
    return pa.array(
        [
            None if items is None else [rule(place, item) for item in items]
            for place, items in zip(platform, column.to_pylist(), strict=True)
        ],
        column.type,
    )


# --- sentences -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Words:
    """What a finding's sentences may quote, and what stands there instead."""

    names: Pseudonyms
    shared: Mapping[str, str]
    pattern: re.Pattern[str]
    told: dict[str, str] = field(default_factory=dict)  # thousands of posts share one reason

    def sentence(self, text: str) -> str:
        """A sentence of ours without ids, handles, links, and words that can be searched for."""
        if text not in self.told:
            self.told[text] = _QUOTED.sub(self._quote, self.pattern.sub(self._name, text))
        return self.told[text]

    def _name(self, found: re.Match[str]) -> str:
        known = self.shared.get(found.group())
        if known is not None:
            return known
        return defanged(found.group()) if found.lastgroup == "link" else SLOT

    def _quote(self, found: re.Match[str]) -> str:
        quoted = found.group()
        return quoted[0] + template(quoted[1:-1], self.names.common) + quoted[-1]


def _words(
    case: Case, finding: Finding, reasons: set[str], names: Pseudonyms, labels: _Labels
) -> _Words:
    posts = case.posts
    shared: dict[str, str] = {}
    for name in _quotable(finding):
        known = [layer[name] for layer in labels.values() if name in layer]
        shared[name] = known[0] if known else names.label("", name)
    rows = [*finding.posts, *(finding.narrative.exemplars if finding.narrative else ())]
    few = pa.array(rows, pa.int64())
    part = posts.table.select(["platform", "post_id", "account"]).take(few).to_pylist()
    for post in part:
        shared[post["post_id"]] = names.of("post", post["platform"], post["post_id"])
        for name in ("handle", "name"):
            if post["account"] and post["account"][name]:
                shared[post["account"][name]] = SLOT
    for member in finding.members:
        place = posts.account_platforms[member.account].as_py()
        account = posts.account_ids[member.account].as_py()
        shared[account] = names.of("account", place, account)
    # a pattern of every id of a large finding is slow: only those that do occur are looked for
    look_alike = finding.look_alike.reason if finding.look_alike else ""
    said = "\n".join([finding.sentence, *finding.counter_evidence, look_alike, *sorted(reasons)])
    return _Words(names, shared, _pattern([name for name in shared if name and name in said]))


def _quotable(finding: Finding) -> list[str]:
    targets = [name for name, _ in finding.breadth.top_targets] if finding.breadth else []
    return [*targets, *(act.object for act in finding.joint_acts)]


def _pattern(names: list[str]) -> re.Pattern[str]:
    """Links and handles, or any of the names as a whole word.

    A short number is a name only where a share follows it.

    The 17 of "17 posts" is a count, the 17 of "17 60 %" an account of that name.
    """
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    parts = [
        re.escape(name) + (r"(?=\s\d+\s?%)" if name.isdigit() and len(name) < _LONG_ID else "")
        for name in longest_first
    ]
    known = rf"|(?<!\w)(?:{'|'.join(parts)})(?!\w)" if parts else ""
    return re.compile(f"(?i:{OUTSIDE}){known}")


def _finding(case: Case, finding: Finding, words: _Words, labels: _Labels) -> Finding:
    breadth, narrative = finding.breadth, finding.narrative
    return replace(
        finding,
        look_alike=finding.look_alike
        and replace(finding.look_alike, reason=words.sentence(finding.look_alike.reason)),
        sentence=words.sentence(finding.sentence),
        counter_evidence=tuple(words.sentence(text) for text in finding.counter_evidence),
        joint_acts=tuple(
            replace(act, object=_object(act.signal, act.object, words.names, labels))
            for act in finding.joint_acts
        ),
        breadth=breadth
        and replace(
            breadth,
            top_targets=tuple(
                (words.shared.get(name) or words.names.label("", name), share)
                for name, share in breadth.top_targets
            ),
        ),
        narrative=narrative
        and replace(
            narrative,
            terms=tuple(
                term for term in narrative.terms if SLOT not in template(term, words.names.common)
            ),
        ),
        impact=tuple(_impact(i, words.names, labels) for i in finding.impact),
    )


def _highlight(mark: Mark, words: _Words | None, names: Pseudonyms, labels: _Labels) -> Mark:
    told = _object(mark.signal, mark.object, names, labels)
    reason = words.sentence(mark.reason) if words else without_links(mark.reason)
    reason = reason.replace(mark.object, told) if len(mark.object) >= _LONG_ID else reason
    if isinstance(mark, Highlight):
        # the shared characters were those of the text as written, which is no longer there
        return replace(mark, object=told, reason=reason, start=0, end=0)
    return replace(mark, object=told, reason=reason)


def _impact(impact: Impact, names: Pseudonyms, labels: _Labels) -> Impact:
    """A subject is ``signal: label``, or words of ours."""
    signal, colon, label = impact.subject.partition(": ")
    if colon and signal in labels:
        return replace(impact, subject=f"{signal}: {_object(signal, label, names, labels)}")
    known = next(
        (layer[impact.subject] for layer in labels.values() if impact.subject in layer), ""
    )
    return replace(impact, subject=known or without_links(impact.subject))


def _object(signal: str, label: str, names: Pseudonyms, labels: _Labels) -> str:
    return labels.get(signal, {}).get(label) or names.label("", label)
