"""Keys and passwords: their shape, and what is stored of them."""

from datetime import UTC, datetime

from counterfoil.platform import access
from counterfoil.platform.access import ApiKey, Scope


def test_two_keys_never_agree_and_are_found_by_their_lookup() -> None:
    first, second = access.new_secret(), access.new_secret()
    assert first != second
    assert first.startswith("cfk_")
    assert len(first) == len("cfk_") + access.LOOKUP_LENGTH + access.SECRET_LENGTH
    assert access.lookup_of(first) == first[4:14]


def test_the_stored_digest_is_sha256_of_the_whole_text() -> None:
    known = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert access.digest_of("abc") == known


def test_a_key_allows_its_scopes_and_no_other() -> None:
    key = ApiKey(
        api_key_id=1,
        lookup="x",
        client="app",
        scopes=frozenset({Scope.LINES_READ}),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        expires_at=None,
        revoked_at=None,
        last_used_on=None,
    )
    assert key.allows(Scope.LINES_READ)
    assert not key.allows(Scope.LINES_WRITE)


def test_a_password_is_recognised_and_another_is_not() -> None:
    stored = access.hash_password("correct horse")
    assert "correct" not in stored
    assert access.is_password("correct horse", stored)
    assert not access.is_password("correct horsf", stored)
    assert not access.is_password("", stored)


def test_two_hashes_of_one_password_differ_by_their_salt() -> None:
    assert access.hash_password("same") != access.hash_password("same")


def test_a_hash_names_its_cost_so_that_it_can_be_raised_later() -> None:
    stored = access.hash_password("x", salt=bytes(16))
    assert stored.startswith("scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA==$")


def test_a_password_beyond_the_bound_is_refused_rather_than_cut() -> None:
    long = "x" * (access.PASSWORD_BYTES_MAX + 1)
    assert not access.is_password(long, access.hash_password(long))
