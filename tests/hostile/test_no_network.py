"""Threat: addresses in posts that a reader would follow (SSRF). klieg opens no connection."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

import klieg
from klieg.errors import InputError

ADDRESSES = (
    "http://169.254.169.254/latest/meta-data/",
    "http://localhost:6379/",
    "https://[::1]/admin",
    "file:///etc/passwd",
    "s3://bucket/key",
    "gopher://127.0.0.1:11211/_stats",
    "//evil.example/x.js",
    "https://t.co/abc",
    "http://2130706433/",
    "ftp://user:pass@10.0.0.1/x",
)


def posts(path: Path, n: int = 400) -> Path:
    with path.open("w", encoding="utf-8") as out:
        for i in range(n):
            where = ADDRESSES[i % len(ADDRESSES)]
            row = {
                "id": str(i),
                "user": f"u{i % 20}",
                "created_at": 1714557600 + i // 20 * 97,
                "text": f"look {where} <img src={where}> @import url({where})",
                "urls": [where],
                "media_url": [where],
                "lang": "en",
            }
            out.write(json.dumps(row) + "\n")
    return path


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No socket may be opened and no name looked up; what was tried is noted."""
    tried: list[object] = []

    def refuse(*given: object, **_: object) -> object:
        tried.append(given)
        raise AssertionError(f"the network was asked for {given!r}")

    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, refuse)
    return tried


def test_hostile_network_a_whole_scan_opens_no_connection(
    tmp_path: Path, sealed: list[object]
) -> None:
    case = klieg.scan(posts(tmp_path / "a.jsonl"))
    case.save(tmp_path / "a.klieg")
    for suffix in (".html", ".json", ".csv", ".graphml"):
        klieg.export(case, tmp_path / f"out{suffix}")
    assert case.posts.n > 0
    assert sealed == []


def test_hostile_network_the_seal_holds(sealed: list[object]) -> None:
    with pytest.raises(AssertionError, match="the network was asked"):
        socket.create_connection(("127.0.0.1", 9))
    assert sealed


def test_hostile_network_addresses_are_no_inputs(sealed: list[object]) -> None:
    for name in ("http://127.0.0.1:9/a.csv", "https://evil.example/a.csv", "ftp://10.0.0.1/a"):
        with pytest.raises(InputError) as refused:
            klieg.scan(name)
        assert refused.value.exit_code == 3
    assert sealed == []
