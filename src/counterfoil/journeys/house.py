"""The house as a running process has it: everything a journey needs, wired in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from counterfoil.decisioning.policy import Policy
from counterfoil.journeys.counter import Counter, LineDesk
from counterfoil.kernel.clock import Clock, SystemClock
from counterfoil.kernel.ids import IdSource
from counterfoil.lending.catalogue import Catalogue, load_catalogue
from counterfoil.platform.batches import Engine
from counterfoil.platform.database import Database
from counterfoil.platform.settings import Settings
from counterfoil.platform.telemetry import Metrics
from counterfoil.privacy.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What journeys are handed."""

    settings: Settings
    database: Database
    counter: Counter
    catalogue: Catalogue
    policy: Policy
    vault: Vault
    clock: Clock
    ids: IdSource
    metrics: Metrics
    #: Secret under which quotes are signed.
    quote_key: bytes

    async def business_date(self) -> date:
        """Return the business date."""
        return await self.counter.engine.business_date()
