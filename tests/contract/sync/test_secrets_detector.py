"""The detector of the secrets canary works: each canary is found in every form in which it could leak."""

from __future__ import annotations

import base64
import json
import sqlite3
from urllib.parse import quote, urlencode

import pytest
from canaries import Canaries, durable

SECRET = "00canary+token/for~tests_Qx7Lp2Vn9Zk4"


@pytest.fixture
def canaries():
    canaries = Canaries()
    canaries.add("the token", SECRET)
    return canaries


@pytest.mark.parametrize(
    "text",
    [
        f"said {SECRET}.",
        f"said {SECRET}.".encode(),
        b"\xff\x00" + SECRET.encode() + b"\xfe",
        json.dumps({"token": SECRET}),
        urlencode({"token": SECRET}),
        quote(SECRET),
        *(base64.b64encode(f"{before}:{SECRET}:x".encode()).decode() for before in ("a", "ab", "abc")),
        *(base64.urlsafe_b64encode(f"{before}:{SECRET}".encode()).decode() for before in ("a", "ab", "abc")),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        f"cut short: {SECRET[:24]}…",
        f"cut short: …{SECRET[5:29]}…",
    ],
)
def test_a_canary_is_found_in_any_form(canaries, text):
    assert canaries.found_in(text) == {"the token"}


@pytest.mark.parametrize("text", ["", "nothing", SECRET[:10], "00canary token for tests"])
def test_where_there_is_none_none_is_found(canaries, text):
    assert canaries.found_in(text) == set()


def test_a_short_canary_is_found_whole():
    canaries = Canaries()
    canaries.add("the password", "pa/ss")
    assert canaries.found_in("user:pa/ss@proxy") == canaries.found_in("user:pa%2Fss@proxy") == {"the password"}


def test_every_line_of_a_key_is_a_canary():
    canaries = Canaries()
    canaries.add_key(
        "the key",
        "-----BEGIN EC PRIVATE KEY-----\nfirstLineOfThisKey\nsecondLineOfThisKey\n-----END EC PRIVATE KEY-----\n",
    )
    assert canaries.found_in("…secondLineOfThisKey…") == {"the key"}
    assert canaries.found_in("-----BEGIN EC PRIVATE KEY-----") == set()


def test_claims_and_signature_of_a_jwt_are_canaries_and_its_header_is_not():
    canaries = Canaries()
    canaries.add_jwt("the assertion", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIwb2FDQU5BUlkifQ.c2lnbmF0dXJlLW9mLWNhbmFyeQ")
    assert canaries.found_in("eyJhbGciOiJFUzI1NiJ9") == set()
    assert canaries.found_in("eyJzdWIiOiIwb2FDQU5BUlkifQ") == {"the assertion"}
    assert canaries.found_in("c2lnbmF0dXJlLW9mLWNhbmFyeQ") == {"the assertion"}


def test_what_is_written_to_a_database_is_found_in_its_log_before_a_checkpoint(canaries, tmp_path):
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE journal (error TEXT)")
    connection.execute("INSERT INTO journal VALUES (?)", (f"refused: {SECRET}",))
    found = {path.name for path, content in durable(tmp_path).items() if canaries.found_in(content)}
    connection.close()
    assert "state.db-wal" in found


def test_the_kept_host_identity_is_no_leak(tmp_path):
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "identity").write_text(SECRET)
    assert durable(tmp_path) == {}
