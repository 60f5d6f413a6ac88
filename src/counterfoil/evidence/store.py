"""Staged leaves in PostgreSQL; the only place with SQL of evidence."""

from typing import Final

from counterfoil.platform.queries import Queries

QUERIES: Final = Queries.load("counterfoil.evidence")
