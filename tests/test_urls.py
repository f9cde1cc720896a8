"""Canonical URLs, registrable domains, publishers."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klieg.urls import SHORTENERS, canonical_url, publisher, registrable_domain

TABLE = [
    ("HTTP://WWW.Example.COM:80/a/?utm_source=x&b=2&a=1#frag", "https://example.com/a?a=1&b=2"),
    ("https://example.com", "https://example.com"),
    ("https://example.com/?", "https://example.com"),
    ("https://example.com:8443/x", "https://example.com:8443/x"),
    ("https://user:secret@example.com/", "https://example.com"),
    (
        "https://example.com/Path/%7euser/%2f?q=%c3%a4",
        "https://example.com/Path/~user/%2F?q=%C3%A4",
    ),
    ("https://example.com/a?fbclid=1&gclid=2&mc_eid=3&id=9", "https://example.com/a?id=9"),
    ("https://example.com/#!/page", "https://example.com#!/page"),
    ("//example.com/a", "https://example.com/a"),
    ("example.com/a).", "https://example.com/a"),
    ("https://m.example.com/a", "https://example.com/a"),
    ("https://mobile.example.co.uk/a", "https://example.co.uk/a"),
    ("https://www.gov.uk/x", "https://www.gov.uk/x"),  # gov.uk is a suffix, not a site
    ("https://m.co/x", "https://m.co/x"),
    ("https://example.com/news/1/amp/", "https://example.com/news/1"),
    ("https://example.com/amp", "https://example.com/amp"),
    ("https://www-example-com.cdn.ampproject.org/c/s/www.example.com/x", "https://example.com/x"),
    ("https://www.google.com/amp/s/example.com/x", "https://example.com/x"),
    ("https://en.m.wikipedia.org/wiki/A#b", "https://en.wikipedia.org/wiki/A"),
    (
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fm.example.com%2Fx%3Ffbclid%3Dabc&h=AT0",
        "https://example.com/x",
    ),
    ("https://www.google.co.uk/url?sa=t&q=http://example.org/a&usg=1", "https://example.org/a"),
    ("https://t.umblr.com/redirect?z=https%3A%2F%2Fexample.org%2F&t=x", "https://example.org"),
    ("https://vk.com/away.php?to=https%3A%2F%2Fexample.org%2Fa", "https://example.org/a"),
    (
        "https://twitter.com/intent/tweet?url=https%3A%2F%2Fexample.org&text=x",
        "https://example.org",
    ),
    ("https://web.archive.org/web/20190101000000/http://example.org/x", "https://example.org/x"),
    (
        "https://l.facebook.com/l.php?u=javascript:alert(1)",
        "https://l.facebook.com/l.php?u=javascript:alert(1",
    ),
    ("https://youtu.be/dQw4w9WgXcQ?t=3", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
    (
        "https://m.youtube.com/watch?feature=share&v=dQw4w9WgXcQ",
        "https://youtube.com/watch?v=dQw4w9WgXcQ",
    ),
    ("https://www.youtube.com/shorts/dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
    (
        "https://www.youtube.com/attribution_link?a=z1&u=%2Fwatch%3Fv%3DdQw4w9WgXcQ%26feature%3D1",
        "https://youtube.com/watch?v=dQw4w9WgXcQ",
    ),
    ("https://x.com/Bob/status/123?s=20&t=xx", "https://twitter.com/bob/status/123"),
    ("https://mobile.twitter.com/bob/statuses/123/photo/1", "https://twitter.com/bob/status/123"),
    ("t.co/AbCd", "https://t.co/AbCd"),
    ("http://münchen.de/ä", "https://xn--mnchen-3ya.de/ä"),
    ("http://1.2.3.4/x", "https://1.2.3.4/x"),
    ("https://news.example/a", "https://news.example/a"),
    ("https://t.co/AbC…", None),
    ("mailto:a@b.example", None),
    ("javascript:alert(1)", None),
    ("ftp://example.com/x", None),
    ("word", None),
    ("end.Novaword", None),  # a missing space makes no address
    ("http://", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("url", "canonical"), TABLE)
def test_urls_canonical(url: str | None, canonical: str | None) -> None:
    assert canonical_url(pa.array([url], pa.string())).to_pylist() == [canonical]


@pytest.mark.parametrize("canonical", sorted({c for _, c in TABLE if c}))
def test_urls_canonical_is_its_own_canonical_form(canonical: str) -> None:
    assert canonical_url(pa.array([canonical])).to_pylist() == [canonical]


@given(
    st.lists(st.sampled_from(["a=1", "b=2", "utm_medium=z", "fbclid=q", "c="]), unique=True),
    st.permutations(["a=1", "b=2", "c=3"]),
)
def test_urls_canonical_ignores_order_and_tracking(extra: list[str], pairs: list[str]) -> None:
    tracked = [p for p in extra if p.startswith(("utm", "fb"))]
    url = "https://example.com/x?" + "&".join([*pairs, *tracked])
    expected = "https://example.com/x?a=1&b=2&c=3"
    assert canonical_url(pa.array([url])).to_pylist() == [expected]


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://x.example/", "www."]))
def test_urls_never_raise_and_keep_the_shape(tail: str, head: str) -> None:
    array = pa.array([head + tail, None])
    for rule in (canonical_url, registrable_domain, publisher):
        found = rule(array)
        assert len(found) == 2 and found[1].as_py() is None


def test_urls_deep_redirects_end() -> None:
    url = "https://example.com/end"
    for _ in range(40):
        url = f"https://www.google.com/url?q={url}"
    assert canonical_url(pa.array([url]))[0].as_py().startswith("https://")


def test_urls_of_absurd_length_are_none_and_cost_little() -> None:
    long = ["http://" + "a." * 300_000 + "com/", "https://example.com/" + "%2f" * 300_000]
    assert canonical_url(pa.array(long)).to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://news.example.co.uk/a", "example.co.uk"),
        ("news.example.co.uk", "example.co.uk"),
        ("https://a.blogspot.com/x", "a.blogspot.com"),
        ("https://1.2.3.4/x", "1.2.3.4"),
        ("https://t.co/x", "t.co"),
        ("https://co.uk/", None),
        ("nothing", None),
        (None, None),
    ],
)
def test_urls_registrable_domain(url: str | None, domain: str | None) -> None:
    assert registrable_domain(pa.array([url], pa.string())).to_pylist() == [domain]


def test_urls_publisher_is_the_account_where_accounts_publish() -> None:
    urls = [
        "https://news.example.com/a",
        "https://twitter.com/bob/status/1",
        "https://facebook.com/SomePage/posts/1",
        "https://facebook.com/photo.php?id=1",
        "https://t.co/x",
        None,
    ]
    assert publisher(pa.array(urls, pa.string())).to_pylist() == [
        "example.com",
        "twitter.com/bob",
        "facebook.com/somepage",
        "facebook.com",
        None,
        None,
    ]
    assert "t.co" in SHORTENERS
