"""What a role may open and do in the console; the journeys check again.

Invariant   A permission that no role has been given is held by nobody; an unknown role holds none.
Source      `platform/access_matrix.toml`; a permission there that nobody knows stops the start.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from counterfoil.platform.access import Role
from counterfoil.platform.access_matrix import Actor, load_matrix


class Permission(StrEnum):
    """Something that a page or an action asks for."""

    READ = "read"
    READ_LEDGER = "read_ledger"
    FIND_PERSON = "find_person"
    REPAY = "repay"
    REVERSE = "reverse"
    CHANGE_LIMIT = "change_limit"
    FREEZE = "freeze"
    WITHDRAW_CONSENT = "withdraw_consent"
    CLOSE_DAY = "close_day"
    DEVELOP = "develop"
    REVEAL = "reveal"
    APPROVALS = "approvals"
    READ_TRAIL = "read_trail"
    READ_EVIDENCE = "read_evidence"
    REVIEW = "review"
    READ_MODELS = "read_models"
    RIGHTS = "rights"
    EXPORT = "export"
    MANAGE_STAFF = "manage_staff"
    HOSTS = "hosts"


def _permissions(role: Role) -> frozenset[Permission]:
    return frozenset(Permission(name) for name in load_matrix().rights_of(role.value).permissions)


#: Role of an operator → what it may do.
ROLES: Final[Mapping[str, frozenset[Permission]]] = {
    role.value: _permissions(role) for role in Role
}


def may_now(actor: Actor, permission: Permission) -> bool:
    """Return whether somebody holds a permission now: lent ones count, suspended ones do not."""
    if not actor.lent and not actor.suspended:
        return may(actor.role, permission)
    return permission.value in load_matrix().rights_for(actor).permissions


def may(role: str, permission: Permission) -> bool:
    """Return whether a role holds a permission."""
    return permission in ROLES.get(role, frozenset())
