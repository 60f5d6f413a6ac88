"""What a role may open and do in the console; the journeys check again.

Invariant   A permission that no role has been given is held by nobody; an unknown role holds none.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """Something that a page or an action asks for."""

    READ = "read"
    READ_LEDGER = "read_ledger"
    FIND_PERSON = "find_person"
    REPAY = "repay"
    REVERSE = "reverse"
    CHANGE_LIMIT = "change_limit"
    FREEZE = "freeze"
    CLOSE_DAY = "close_day"
    DEVELOP = "develop"


_READER: Final = frozenset({Permission.READ, Permission.READ_LEDGER})

#: Role of an operator → what it may do.
ROLES: Final[Mapping[str, frozenset[Permission]]] = {
    "administrator": frozenset(Permission),
    "operations": frozenset(
        {
            Permission.READ,
            Permission.FIND_PERSON,
            Permission.REPAY,
            Permission.REVERSE,
            Permission.FREEZE,
            Permission.CLOSE_DAY,
        }
    ),
    "collector": frozenset({Permission.READ, Permission.FIND_PERSON, Permission.REPAY}),
    "risk_analyst": frozenset({Permission.READ, Permission.CHANGE_LIMIT, Permission.FREEZE}),
    "compliance": _READER | {Permission.FIND_PERSON, Permission.FREEZE},
    "auditor": _READER,
    "finance": _READER | {Permission.REVERSE, Permission.CLOSE_DAY},
}


def may(role: str, permission: Permission) -> bool:
    """Return whether a role holds a permission."""
    return permission in ROLES.get(role, frozenset())
