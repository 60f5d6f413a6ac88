"""Records, commitments to persons, and bitmaps of withdrawals have the stated form."""

import base64
import hmac
import zlib
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.bureau.question import SubjectOpening
from counterfoil.bureau.subject_ref import subject_ref_of
from counterfoil.consents import status_list, subject
from counterfoil.consents.record import record_id_text
from counterfoil.consents.subject import Identity

PERSON = Identity(name="张三", id_number="11010519491231002X")


def test_a_subject_reference_is_the_stated_hash() -> None:
    salt = bytes(range(32))
    document = '{"id_number":"11010519491231002X","id_type":"10","name":"张三"}'
    wanted = sha256(b"counterfoil/subject/v1" + salt + document.encode()).digest()
    assert subject.subject_ref(salt, PERSON) == wanted
    assert rfc8785.dumps({"name": "张三", "id_type": "10", "id_number": PERSON.id_number}) == (
        document.encode()
    )


def test_the_recipient_computes_the_same_reference_from_the_opening() -> None:
    salt = bytes(range(32))
    opening = SubjectOpening(
        id_type=PERSON.id_type, id_number=PERSON.id_number, name=PERSON.name, salt=salt
    )
    assert subject_ref_of(opening) == subject.subject_ref(salt, PERSON)


def test_each_record_has_a_salt_of_its_own_that_only_the_key_gives() -> None:
    key, record = bytes([7] * 32), bytes(range(16))
    salt = subject.salt_of(key, record)
    domain = b"counterfoil/subject-salt/v1"
    assert salt == hmac.new(key, domain + record, "sha256").digest()
    assert salt != subject.salt_of(key, bytes(16))
    assert salt != subject.salt_of(bytes(32), record)


def test_an_identifier_is_written_in_22_characters() -> None:
    number = bytes.fromhex("deadbeef000000000000000000000001")
    assert record_id_text(number) == "3q2-7wAAAAAAAAAAAAAAAQ"


def unpacked(lst: str) -> bytes:
    return zlib.decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)))


def test_bits_are_counted_from_the_least_significant_of_the_first_byte() -> None:
    # The example of the specification: positions 0, 3, 4, 5, 7, 8, 9, 13, 15 are set.
    bitmap = unpacked(status_list.encode((0, 3, 4, 5, 7, 8, 9, 13, 15)))
    assert bitmap[:3] == bytes([0xB9, 0xA3, 0x00])
    assert len(bitmap) == status_list.POSITIONS // 8


def test_the_published_example_is_read() -> None:
    found = [index for index in range(16) if status_list.is_withdrawn("eNrbuRgAAhcBXQ", index)]
    assert found == [0, 3, 4, 5, 7, 8, 9, 13, 15]


@given(st.sets(st.integers(0, status_list.POSITIONS - 1), max_size=20), st.integers(0, 2**20 - 1))
def test_what_is_written_is_what_is_read(withdrawn: set[int], other: int) -> None:
    lst = status_list.encode(tuple(withdrawn))
    assert all(status_list.is_withdrawn(lst, index) for index in withdrawn)
    assert status_list.is_withdrawn(lst, other) is (other in withdrawn)


@pytest.mark.parametrize("lst", ["", "%", "AAAA", "eNoDAAAAAAE"])
def test_what_is_no_list_is_an_error_and_never_a_no(lst: str) -> None:
    with pytest.raises(ValueError, match="list"):
        status_list.is_withdrawn(lst, 0)


@pytest.mark.parametrize("index", [-1, status_list.POSITIONS])
def test_an_index_beyond_the_list_is_an_error(index: int) -> None:
    with pytest.raises(ValueError, match="no index"):
        status_list.is_withdrawn(status_list.encode(()), index)


@pytest.mark.parametrize(
    ("position", "uri", "index"),
    [
        (1, "u/0", 0),
        (status_list.POSITIONS, "u/0", status_list.POSITIONS - 1),
        (status_list.POSITIONS + 1, "u/1", 0),
    ],
)
def test_a_position_has_its_list_and_index(position: int, uri: str, index: int) -> None:
    place = status_list.place_of("u", position)
    assert (place.uri, place.index) == (uri, index)
