"""Reads and writes codes and sessions of customers at the portal; over named queries."""

from typing import Final

from counterfoil.customers.portal_access import PortalSession, Token
from counterfoil.platform.queries import Queries, Row

QUERIES: Final = Queries.load("counterfoil.customers", "portal_store.sql")


def session_of(row: Row) -> PortalSession:
    """Return the session of a row."""
    fields = {name: row[name] for name in PortalSession.__slots__}
    return PortalSession(**fields)


def by_token(token: Token) -> dict[str, object]:
    """Return what finds the row of a token."""
    return {
        "customer_id": token.customer_id,
        "session_id": token.session_id,
        "token_sha256": token.sha256,
    }
