"""Reads and writes campaigns and invitations; thin functions over the named queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from counterfoil.hosts.campaign import Invitation
from counterfoil.platform.database import Connection
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.hosts", "campaign_store.sql")
CAMPAIGNS_MAX: Final = 200
#: Beyond every number, where a list begins that has the newest first.
NEWEST: Final = 2**63 - 1
#: Stands for the lender's own channels.
NO_HOST: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as it was started."""

    campaign_id: int
    code: str
    product_code: str
    #: 0: by the lender's own channels alone.
    host_id: int
    rule: str
    #: SHA-256 of the list in hexadecimal; empty where a rule selected.
    list_sha256: str
    quota: int
    expires_on: date
    #: By language: title and text.
    words: dict[str, dict[str, str]]
    asked_by: str
    approved_by: str
    approval_id: int
    started_at: datetime
    #: What became of those who were looked at, by reason; `invited` among them.
    counts: dict[str, int]


class Listed(NamedTuple):
    """A campaign as lists show it."""

    campaign: Campaign
    #: Invitations that were not ended.
    standing: int


class Shown(NamedTuple):
    """An invitation with what it says, and where."""

    invitation: Invitation
    host_id: int
    words: dict[str, dict[str, str]]


async def add_campaign(connection: Connection, campaign: Campaign) -> None:
    """Write a campaign."""
    fields: dict[str, Any] = {name: getattr(campaign, name) for name in Campaign.__slots__}
    for name in ("words", "counts"):
        fields[name] = orjson.dumps(fields[name], option=orjson.OPT_SORT_KEYS).decode()
    await QUERIES.add_campaign.execute(connection, **fields)


async def read_campaigns(
    connection: Connection,
    *,
    campaign_id: int | None = None,
    page: int = CAMPAIGNS_MAX,
    before: int = NEWEST,
    is_back: bool = False,
) -> list[Listed]:
    """Return a page of campaigns, newest first, or the one named."""
    rows = await QUERIES.campaigns.page(
        connection, campaign_id=campaign_id, page=page, before=before, is_back=is_back
    )
    return [_listed(row) for row in rows]


async def add_invitations(
    connection: Connection, campaign: Campaign, customer_ids: Sequence[int], *, on: date
) -> set[int]:
    """Write invitations and return who has one now; an earlier one of the product stays."""
    at, many = campaign.started_at, list(customer_ids)
    await QUERIES.lapse_invitations.execute(connection, customer_ids=many, at=at, on=on)
    rows = await QUERIES.add_invitations.fetch(
        connection,
        campaign_id=campaign.campaign_id,
        product_code=campaign.product_code,
        invited_at=at,
        expires_on=campaign.expires_on,
        customer_ids=many,
    )
    return {row["customer_id"] for row in rows}


async def invitations_of(connection: Connection, customer_id: int, *, on: date) -> list[Shown]:
    """Return a customer's living invitations, newest first."""
    rows = await QUERIES.invitations_of.fetch(connection, customer_id=customer_id, on=on)
    return [_shown(row) for row in rows]


async def end_invitations(
    connection: Connection, customer_id: int, *, by: str, at: datetime
) -> None:
    """End what a customer was invited to."""
    await QUERIES.end_invitations.execute(connection, customer_id=customer_id, by=by, at=at)


def _listed(row: Row) -> Listed:
    columns = dict(row)
    standing = columns.pop("standing")
    for name in ("words", "counts"):
        columns[name] = orjson.loads(columns[name])
    return Listed(Campaign(**columns), standing)


def _shown(row: Row) -> Shown:
    columns = dict(row)
    host_id, words = columns.pop("host_id"), orjson.loads(columns.pop("words"))
    return Shown(Invitation(**columns), host_id, words)
