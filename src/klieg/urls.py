"""URLs as objects: one canonical form for one page, its registrable domain, its publisher.

Nothing is looked up: redirectors that carry their goal in the URL are unwrapped, shorteners that
would need the network stay as they are and are known as opaque. The work is done once for each
distinct value. The room knows URLs; it does not know texts, posts or signals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from publicsuffixlist import PublicSuffixList

if TYPE_CHECKING:
    from klieg.points import Texts

__all__ = ["SHORTENERS", "canonical_url", "publisher", "registrable_domain"]


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


SHORTENERS = _words(
    "t.co bit.ly j.mp bitly.com goo.gl ow.ly tinyurl.com is.gd v.gd buff.ly dlvr.it ift.tt fb.me "
    "lnkd.in trib.al tl.gd wp.me shar.es ln.is amp.gs cutt.ly rb.gy shorturl.at tiny.cc po.st "
    "dld.bz crwd.fr adf.ly su.pr snip.ly smarturl.it rebrand.ly owl.li clck.ru u.to qps.ru "
    "vk.cc bc.vc soo.gd s.id t.ly x.gd db.tt cl.ly twib.in mf.tt fw.to sco.lt paper.li kisa.link "
    "nav.cx lc.chat hubs.la hubs.ly spr.ly bl.ink goo.su surl.li aje.io bbc.in nyti.ms wapo.st "
    "cnn.it reut.rs apne.ws on.wsj.com econ.st huff.to politi.co hill.cm fxn.ws nbcnews.to "
    "dailym.ai bloom.bg abcn.ws cbsn.ws usat.ly theatln.tc pic.twitter.com"
)
"""Hosts whose paths stand for pages elsewhere: opaque without the network."""

_TRACKING = _words(
    "fbclid gclid dclid gclsrc wbraid gbraid msclkid twclid ttclid li_fat_id yclid ymclid igshid "
    "igsh mc_cid mc_eid _hsenc _hsmi mkt_tok oly_anon_id oly_enc_id vero_id _openstat spm ref_src "
    "ref_url s_cid cmpid wt_mc wtmc wt.mc_id smid soc_src soc_trk __twitter_impression __tn__ ocid "
    "ito cmp ns_mchannel ns_source ns_campaign ns_linkname ns_fee xtor guccounter guce_referrer "
    "guce_referrer_sig amp outputtype __cft__[0] __xts__[0] fb_action_ids fb_action_types "
    "fb_source fb_ref action_object_map action_type_map action_ref_map _ga _gl sr_share echobox "
    "rss_id tsmic share_source sharetype usp"
)
_TRACKING_PREFIXES = ("utm_", "pk_", "piwik_", "mtm_", "matomo_", "hsa_", "at_", "ga_", "stm_")
_PER_HOST = {  # parameters that only say who shared it, on hosts where that is certain
    "twitter.com": {"s", "t", "cxt", "lang", "ref"},
    "open.spotify.com": {"si", "context", "nd"},
    "instagram.com": {"hl", "img_index", "taken-by"},
    "tiktok.com": {"_r", "_t", "is_from_webapp", "sender_device", "lang"},
    "facebook.com": {"ref", "refid", "mibextid", "rdid", "locale", "type", "theater", "_rdr"},
    "reddit.com": {"share_id", "context", "rdt"},
    "washingtonpost.com": {"tid", "itid", "wpisrc", "wpmm"},
    "nytimes.com": {"referringsource", "partner", "emc", "rss"},
    "amazon.com": {"ref", "tag", "psc", "qid", "sr", "keywords"},
}
_REDIRECTORS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), keys)
    for pattern, keys in (
        (r"lm?\.facebook\.com/(l\.php|flx/warn)", "u"),
        (r"([a-z-]+\.)?facebook\.com/(l\.php|flx/warn|sharer(/sharer)?(\.php)?|share\.php)", "u"),
        (r"l\.instagram\.com/", "u"),
        (r"l\.(threads\.net|threads\.com|messenger\.com|wl\.co)/", "u"),
        (r"(www\.|news\.)?google\.[a-z.]{2,6}/(url|imgres)$", "q url imgurl"),
        (r"t\.umblr\.com/redirect", "z"),
        (r"out\.reddit\.com/", "url"),
        (r"(www\.|m\.)?youtube\.com/redirect", "q"),
        (r"(m\.)?vk\.com/away(\.php)?", "to"),
        (r"(mobile\.)?(twitter|x)\.com/(intent/tweet|share|intent/post)", "url"),
        (r"(www\.)?linkedin\.com/(redir/redirect|safety/go|sharearticle|sharing/)", "url"),
        (r"duckduckgo\.com/l/", "uddg"),
        (r"slack-redir\.net/link", "url"),
        (r"exit\.sc/", "url"),
        (r"[a-z0-9]+\.safelinks\.protection\.outlook\.com/", "url"),
        (r"steamcommunity\.com/linkfilter", "url u"),
        (r"medium\.com/r/", "url"),
        (r"api\.whatsapp\.com/send|(www\.)?pinterest\.com/pin/create", "url"),
        (r"ok\.ru/dk", "st.link"),
        (r"away\.vk\.com/|deref-[a-z-]+\.[a-z]+/", "to redirecturl"),
    )
)
_PREFIXED = re.compile(
    r"(?:web\.archive\.org/web/\d{4,14}(?:[a-z]{2}_)?/|href\.li/\?|anonym\.to/\?|nullrefer\.com/\?"
    r"|(?:www\.)?google\.[a-z.]{2,6}/amp/(s/)?|[a-z0-9-]+\.cdn\.ampproject\.org/[a-z]/(s/)?)(.+)",
    re.S,
)
_SAME_SITE = {"x.com": "twitter.com", "fb.com": "facebook.com", "vkontakte.ru": "vk.com"}
_SUBHOSTS = ("www.", "m.", "mobile.", "amp.", "touch.", "ww2.", "www2.", "www3.")
_BY_ACCOUNT = _words(
    "twitter.com facebook.com instagram.com t.me medium.com tiktok.com vk.com ok.ru "
    "truthsocial.com gab.com threads.net threads.com"
)
_NO_ACCOUNT = _words(
    "i share hashtag search watch groups events photo.php story.php permalink.php p reel "
    "reels explore s c joinchat home intent video videos photos pages login"
)
_LONGEST = 8_192  # characters: no browser and no platform takes more
_TRAILING = ".,;:!?)]}>'\"»”’"
_SPLIT = re.compile(
    r"(?:(https?):/{1,3})?(?:[^/?#@\s]*@)?([^/?#\s:]+)(?::(\d*))?([^?#]*)(\?[^#]*)?(#.*)?"
)
_HEX = re.compile(r"%[0-9a-fA-F]{2}")
_HOST = re.compile(r"[^\s/?#@:<>\"\\^`{|}…]+\.[^\s/?#@:<>\"\\^`{|}….]{2,}\.?|\d+\.\d+\.\d+\.\d+")
_STATUS = re.compile(r"/([^/]+)/status(?:es)?/(\d+)(?:/.*)?", re.I)
_WATCH = re.compile(r"/watch\?v=([\w-]{6,})")
_YOUTUBE = re.compile(r"/(?:shorts|embed|live|v)/([\w-]{6,})")


def canonical_url(array: Texts) -> Texts:
    """One form for one page; null for what is not a web address, or is cut short by ``…``.

    Host in lower case without ``www.`` and mobile or AMP variants, no port, fragment, tracking
    parameter or trailing slash, parameters sorted, scheme https, known redirectors unwrapped.
    """
    return _each_distinct(array, _canonical)


def registrable_domain(array: Texts) -> Texts:
    """``news.example.co.uk`` → ``example.co.uk`` by the Public Suffix List, of URLs or hosts.

    Private suffixes count (``a.blogspot.com`` is a domain of its own); an IP address is its own
    domain; null where there is none. Canonical URLs give their site's canonical domain.
    """
    return _each_distinct(array, lambda url: _domain(_host(url)))


def publisher(canonical: Texts) -> Texts:
    """Who stands behind a canonical URL: its domain, or domain/account where accounts publish.

    Null for shorteners: an opaque link has no known publisher.
    """
    return _each_distinct(canonical, _publisher)


def _each_distinct(array: Texts, rule: Callable[[str], str | None]) -> Texts:
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    coded = array.dictionary_encode()
    words = [rule(word) for word in coded.dictionary.to_pylist()]
    return pc.take(pa.array(words, pa.string()), coded.indices)


def _canonical(url: str) -> str | None:
    for _ in range(5):
        parts = _split(url)
        if parts is None:
            return None
        host, path, query, fragment = parts
        inner = _unwrapped(host, path, query)
        if inner is None:
            break
        url = inner
    host, path, query = _page(_site(host), path, query)
    pairs = sorted(p for p in query.split("&") if p and not _tracks(host, p.partition("=")[0]))
    if not fragment.startswith("#!"):
        fragment = ""
    path = path.rstrip("/")
    return f"https://{host}{path}{'?' if pairs else ''}{'&'.join(pairs)}{fragment}"


def _split(url: str) -> tuple[str, str, str, str] | None:
    """Host (lower case), path, query without ``?`` and fragment; None if it is no web address."""
    if len(url) > _LONGEST:
        return None
    url = "%20".join(url.split()).rstrip(_TRAILING)
    if url.endswith(("…", "%E2%80%A6")):
        return None
    if url.startswith("//"):
        url = "https:" + url
    elif ":" in url and not url[:8].lower().startswith(("http://", "https://", "https:/")):
        head = url.partition(":")[0]
        if "." not in head or "/" in head:
            return None
    match = _SPLIT.fullmatch(url[:5].lower() + url[5:])
    if match is None or len(match[2]) > 253 or not _HOST.fullmatch(match[2]):
        return None
    host = _ascii_host(match[2].rstrip("."))
    if host is None or not (match[1] or _listed(host)):
        return None  # without a scheme, only a known ending tells an address from "end.Next"
    port = f":{match[3]}" if match[3] and match[3] not in {"80", "443"} else ""
    path, query = _HEX.sub(_tidy, match[4]), _HEX.sub(_tidy, (match[5] or "")[1:])
    return host + port, path, query, match[6] or ""


def _ascii_host(host: str) -> str | None:
    host = host.lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def _tidy(match: re.Match[str]) -> str:
    """An escape in capitals, or undone where the character never needed it."""
    char = chr(int(match[0][1:], 16))
    return char if char.isascii() and (char.isalnum() or char in "-._~") else match[0].upper()


def _unwrapped(host: str, path: str, query: str) -> str | None:
    """The URL inside a redirector's URL, if there is one."""
    place = host + path
    whole = f"{place}?{query}" if query else place
    if match := _PREFIXED.fullmatch(whole):
        inner = match[3]
        inner = unquote(inner) if inner[:12].lower().startswith(("http%3a", "https%3a")) else inner
        return inner if _split(inner) else None
    for pattern, keys in _REDIRECTORS:
        if not pattern.match(place):
            continue
        values = dict(p.partition("=")[::2] for p in reversed(query.split("&")))
        for key in keys.split():
            inner = unquote(values.get(key, ""))
            if inner.lower().startswith(("http://", "https://")) and _split(inner):
                return inner
    return None


def _site(host: str) -> str:
    """The host without the variants that show the same pages."""
    while True:
        for prefix in _SUBHOSTS:
            rest = host[len(prefix) :]
            if host.startswith(prefix) and _domain(rest) is not None:
                host = rest
                break
        else:
            break
    host = host.replace(".m.wikipedia.org", ".wikipedia.org")
    return _SAME_SITE.get(host, host)


def _page(host: str, path: str, query: str) -> tuple[str, str, str]:
    """Host, path and query where a site has several addresses for one page."""
    if host == "youtu.be" and len(path) > 1:
        return "youtube.com", "/watch", f"v={path[1:].partition('/')[0]}"
    if host in {"youtube.com", "youtube-nocookie.com"}:
        inner = unquote(query) if path == "/attribution_link" else ""
        if match := _YOUTUBE.match(path) or _WATCH.search(inner):
            return "youtube.com", "/watch", f"v={match[1]}"
        if path.rstrip("/") == "/watch":
            kept = [p for p in query.split("&") if p.startswith("v=")]
            return "youtube.com", "/watch", kept[0] if kept else query
    if host == "twitter.com" and (match := _STATUS.fullmatch(path)):
        return host, f"/{match[1].lower()}/status/{match[2]}", ""
    if path.rstrip("/").endswith("/amp") and path.count("/") > 1:
        path = path.rstrip("/")[: -len("/amp")]
    return host, path, query


def _tracks(host: str, name: str) -> bool:
    name = name.lower()
    return (
        name in _TRACKING or name.startswith(_TRACKING_PREFIXES) or name in _PER_HOST.get(host, ())
    )


def _host(url: str) -> str | None:
    parts = _split(url)
    return parts[0].partition(":")[0] if parts else None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _endings() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def _listed(host: str) -> bool:
    return _endings().privatesuffix(host) is not None


@lru_cache(1 << 18)
def _domain(host: str | None) -> str | None:
    if not host:
        return None
    host = host.partition(":")[0]
    if host.replace(".", "").isdigit():
        return host
    found: str | None = _suffixes().privatesuffix(host)
    return found


def _publisher(url: str) -> str | None:
    parts = _split(url)
    if parts is None or parts[0] in SHORTENERS:
        return None
    domain = _domain(parts[0])
    if domain in _BY_ACCOUNT:
        account = parts[1].strip("/").partition("/")[0].lower()
        if account and account not in _NO_ACCOUNT:
            return f"{domain}/{account}"
    return domain
