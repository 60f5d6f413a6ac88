"""What a line of the trail tells of a matter before and after an act on it."""

from datetime import UTC, datetime

import asyncpg

from counterfoil.api.app import WRITES
from counterfoil.kernel import ids
from counterfoil.platform import states
from counterfoil.platform.holdings import Wanted

#: Nothing of the record itself changes: who looks again counts a look, a repayment is told by the
#: row of its command, and what is told of a customer stands in the lines about what is theirs.
UNCHANGED = {ids.ACCESS_GRANT, ids.REPAYMENT, ids.CUSTOMER}


def about(kind: str, number: int, customer_id: int) -> Wanted:
    return Wanted(customer_ids=(customer_id,), matters=((kind, number),))


def test_whatever_a_write_changes_has_a_state_that_is_told() -> None:
    named = {kind for write in WRITES for kind in write.path_ids.values()}
    assert named - states._KINDS == UNCHANGED


def test_what_is_about_no_customer_is_told_where_nobody_is_named() -> None:
    assert states.has_state(Wanted(matters=((ids.HOST, 1),)))
    assert not states.has_state(Wanted(matters=((ids.MANDATE, 1),)))


async def test_the_state_of_a_matter_is_told_of_its_own_customer_alone(database_url: str) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    connection = await asyncpg.connect(database_url)
    try:
        for kind in sorted(states._KINDS):
            assert await states.state_of(connection, about(kind, 1, 1)) == "", kind
        await connection.execute(
            "INSERT INTO privacy.rights_request (customer_id, request_id, kind, about, said,"
            " received_at, received_by, due_on) VALUES (7, 8, 'correct', '', '', $1, '', $2)",
            at,
            at.date(),
        )
        told = await states.state_of(connection, about(ids.RIGHTS_REQUEST, 8, 7))
        assert told == "kind=correct due_on=2026-01-05"
        assert await states.state_of(connection, about(ids.RIGHTS_REQUEST, 8, 6)) == ""
    finally:
        await connection.close()
