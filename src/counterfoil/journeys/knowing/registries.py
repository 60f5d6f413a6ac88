"""The registry of features in force: what ships until a lender has published its own.

Invariant   Files change nothing by themselves. In force is what two people published last; whoever
            asks takes the registry once and uses that object to the end.
Kept        What is in force is kept before anything is decided under it, also what ships: a newer
            program ships another, and records name this one.
Lag         Every process follows with the policies, so that a publication holds everywhere within
            two seconds.
"""

from datetime import datetime

import structlog

from counterfoil.features import registry_store as store
from counterfoil.features.registry import Registry
from counterfoil.features.registry_file import load_registry, read_registry
from counterfoil.features.table import RegistryError
from counterfoil.platform.database import Connection

_log = structlog.get_logger(__name__)


class Registries:
    """The registry in force in one process, and the one that ships."""

    def __init__(self, shipped: Registry) -> None:
        """Begin with what ships."""
        self.shipped = shipped
        self.in_force = shipped
        self._kept = ""

    async def follow(self, connection: Connection, *, at: datetime) -> None:
        """Put in force what was published last; what cannot be read leaves the one of before.

        A newer program may have published what this one does not know: nothing else may take its
        place, and the log says so.
        """
        sha256 = await self.sha256_at(connection, at)
        if sha256 == self._kept == self.in_force.sha256:
            return
        try:
            registry = await self.read(connection, sha256)
        except RegistryError as fault:
            _log.error("registry_not_readable", registry_sha256=sha256, fault=str(fault))
            return
        await store.keep_registry(connection, registry, at=at)
        if sha256 != self.in_force.sha256:
            _log.info("registry_in_force", registry_sha256=sha256)
        self.in_force, self._kept = registry, sha256

    async def read(self, connection: Connection, sha256: str) -> Registry:
        """Return the registry of an identity; raise RegistryError where there is none."""
        if sha256 == self.shipped.sha256:
            return self.shipped
        document = await store.read_document(connection, sha256)
        if document is None:
            raise RegistryError(sha256, "is no registry that was published or asked for")
        return read_registry(document)

    async def sha256_at(self, connection: Connection, at: datetime) -> str:
        """Return the identity of the registry that was in force at an instant."""
        return await store.sha256_in_force(connection, at=at) or self.shipped.sha256


async def registry_in_force(connection: Connection, *, at: datetime) -> Registry:
    """Return the registry in force, for whoever has a database and no house.

    Raises RegistryError where a newer program has published what this one cannot read.
    """
    registries = Registries(load_registry())
    return await registries.read(connection, await registries.sha256_at(connection, at))
