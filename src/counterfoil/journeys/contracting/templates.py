"""The templates in force: what two people have published, and nothing that only lies in files.

Invariant   A new document is made from a published version alone. What comes with the program is
            known besides, to read documents of before again and to be put forward.
Lag         Every process follows with the policies, so that a publication holds everywhere within
            two seconds.
"""

from dataclasses import replace
from datetime import date

import structlog

from counterfoil.contracts import template_store as store
from counterfoil.contracts.shelf import (
    Proposal,
    Shelf,
    TemplatesError,
    load_proposals,
    proposal_of_document,
)
from counterfoil.contracts.template import Template
from counterfoil.platform.database import Connection

_log = structlog.get_logger(__name__)


class Templates:
    """The shelf of one process, and the versions that come with the program."""

    def __init__(self, shipped: tuple[Proposal, ...]) -> None:
        """Begin with nothing published."""
        self.shipped = shipped
        self._earlier = [one.template for one in shipped]
        self.in_force = Shelf((), self._earlier)
        self._state = (0, 0)

    async def follow(self, connection: Connection) -> None:
        """Take over what was published and retired since.

        A version that a newer program has published and this one cannot read is left out, and the
        log says so: no document is made from it here.
        """
        state = await store.read_state(connection)
        if state == self._state:
            return
        found = [_published(*row) for row in await store.read_published(connection)]
        self.in_force = Shelf([one for one in found if one is not None], self._earlier)
        self._state = state
        _log.info("contract_templates_in_force", published=len(found))


def retired_from(template: Template, retired_on: date | None) -> Template:
    """Return a version that ends on a day, or on its own where that comes first."""
    days = [day for day in (template.retired_on, retired_on) if day is not None]
    return replace(template, retired_on=min(days, default=None))


def shipped_templates() -> Templates:
    """Return the templates of a process that has not read the database yet."""
    return Templates(load_proposals())


def _published(document: bytes, retired_on: date | None) -> Template | None:
    try:
        template = proposal_of_document(document).template
    except TemplatesError as fault:
        _log.error("contract_template_not_readable", fault=str(fault))
        return None
    return retired_from(template, retired_on)
