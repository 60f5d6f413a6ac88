"""Sessions: sealed, ended, and cookies that browsers guard."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from counterfoil.platform.web import sessions
from counterfoil.platform.web.sessions import Session

NOW = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)
KEY = b"k" * 32
SESSION = Session(
    operator="lin.xiao", role="operations", secret=bytes(32), ends_at=NOW + timedelta(hours=1)
)


def test_a_sealed_session_comes_back() -> None:
    assert sessions.unseal(sessions.seal(SESSION, KEY), KEY, now=NOW) == SESSION


def test_a_session_ends() -> None:
    sealed = sessions.seal(SESSION, KEY)
    assert sessions.unseal(sealed, KEY, now=SESSION.ends_at - timedelta(seconds=1)) is not None
    assert sessions.unseal(sealed, KEY, now=SESSION.ends_at) is None


def test_a_session_of_another_key_is_none() -> None:
    assert sessions.unseal(sessions.seal(SESSION, b"x" * 32), KEY, now=NOW) is None


def test_changing_any_character_ends_a_session() -> None:
    sealed = sessions.seal(SESSION, KEY)
    for place in range(len(sealed)):
        other = "A" if sealed[place] != "A" else "B"
        changed = sealed[:place] + other + sealed[place + 1 :]
        assert sessions.unseal(changed, KEY, now=NOW) is None, place


@pytest.mark.parametrize("text", ["", ".", "1..", "2.a.b", "1.a.b", "1.é.é"])
def test_nonsense_is_no_session(text: str) -> None:
    assert sessions.unseal(text, KEY, now=NOW) is None


def test_cookies_are_bound_to_this_host_and_hidden_from_scripts() -> None:
    header = sessions.cookie_header("session", "v", plain=False)
    assert header == "__Host-counterfoil-session=v; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert "Max-Age=0" in sessions.cookie_header("session", "", plain=False)


@pytest.mark.parametrize(
    ("scheme", "host", "is_plain"),
    [
        ("http", "127.0.0.1:8000", True),
        ("http", "localhost", True),
        ("http", "[::1]:8000", True),
        ("http", "[::1]", True),
        ("http", "lender.example:8000", False),
        ("http", "127.0.0.1.lender.example", False),
        ("https", "localhost", False),
    ],
)
def test_only_a_loopback_address_without_tls_does_without(
    scheme: str, host: str, *, is_plain: bool
) -> None:
    assert sessions.is_plain_loopback(scheme, host) is is_plain


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "session.key"
    key = sessions.load_key(path)
    assert len(key) == 32
    assert sessions.load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
