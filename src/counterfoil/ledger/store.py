"""Journals and balances in PostgreSQL; the only place with SQL of the ledger."""

from typing import Final

from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.ledger")
