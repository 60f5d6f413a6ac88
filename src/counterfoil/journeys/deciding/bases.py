"""Whether what a record names besides its policy is still there: the rule pack, the registry.

A decision comes out again from its record alone. What it was bounded by, and what its features
meant, is read from the documents that it names; one that is gone, or is another one now, is named.
"""

from typing import Final

import orjson

from counterfoil.decisioning.basis import Basis, basis_of
from counterfoil.decisioning.replay import StoredDecision
from counterfoil.decisioning.replay_cause import Cause, Verdict
from counterfoil.features.registry_file import load_registry
from counterfoil.features.table import RegistryError
from counterfoil.journeys.knowing.registries import Registries
from counterfoil.lending.catalogue import Catalogue
from counterfoil.platform.database import Connection

_THERE: Final = Verdict(cause=Cause.NONE, differences=())


class Bases:
    """Looks up what records name; each document is read once."""

    def __init__(self, connection: Connection, catalogue: Catalogue) -> None:
        """Take the database that keeps registries, and the catalogue with its rule packs."""
        self._connection = connection
        self._packs = catalogue.pack_references()
        self._registries = Registries(load_registry())
        self._read: dict[str, bool] = {}

    async def judge(self, stored: StoredDecision) -> Verdict:
        """Return what of a record's basis is gone; `none` where all is there, or is unknown."""
        basis = basis_of(orjson.loads(stored.inputs))
        if basis.rule_pack is not None and basis.rule_pack not in self._packs:
            return Verdict(cause=Cause.RULE_PACK, differences=(basis.rule_pack,))
        if not await self._has_registry(basis):
            assert basis.feature_registry is not None, "unknown is not missing"
            return Verdict(cause=Cause.REGISTRY, differences=(basis.feature_registry,))
        return _THERE

    async def _has_registry(self, basis: Basis) -> bool:
        sha256 = basis.feature_registry
        if sha256 is None:
            return True
        if sha256 not in self._read:
            try:
                found = await self._registries.read(self._connection, sha256)
                self._read[sha256] = found.sha256 == sha256
            except RegistryError:
                self._read[sha256] = False
        return self._read[sha256]
