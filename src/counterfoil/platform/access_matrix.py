"""The access matrix: roles, machines and purposes as data; whatever it does not say is denied.

Form        `access_matrix.toml` beside this module. A name that nobody knows, or a right that is
            given to what does not exist, stops the start: a matrix with a slip of the pen must not
            deny or allow by accident.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from counterfoil.platform.access import Role, Scope
from counterfoil.platform.holdings import Attribute

#: Where work about customers waits; cases that somebody else gave by hand wait nowhere.
QUEUES: Final = frozenset({"review", "appeal", "rights", "suspense", "overdue", "assigned"})
_RIGHTS_MEMBERS: Final = frozenset(
    {
        "permissions", "purposes", "requests", "approves", "emergency", "cases", "needs",
        "reads", "reads_for", "sees", "whole_book",
    }
)  # fmt: skip
#: Stands for every field of a record.
EVERY_FIELD: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a member of staff in a role, or a program by a scope of its key."""

    #: The operator's name, or `api:` and the client's.
    name: str
    #: A role, or a scope; the matrix knows the rights of both.
    role: str
    #: Where it comes from: console, api or cli, with an address where there is one.
    source: str
    #: Role whose rights are lent in an emergency; empty outside of one.
    lent: str = ""
    #: Permissions of the role that expired because nobody used them.
    suspended: frozenset[str] = frozenset()


class Sight(StrEnum):
    """How persons stand on the pages of a role that has not asked to see one in clear."""

    MASKED = "masked"
    #: Under another name, that the role's own key makes.
    PSEUDONYM = "pseudonym"
    #: Under a name that a key of this person alone makes: each is a recipient of its own.
    OWN_PSEUDONYM = "own_pseudonym"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """That personal data is read: in which act, what for, and by whom."""

    #: Of `[reads]`, or the name of what a person does.
    act: str
    #: A purpose of the register of fields.
    purpose: str
    #: None where a program reads by itself.
    actor: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPurpose:
    """What personal data is looked at for."""

    code: str
    name_zh: str
    name_en: str
    #: Longest that a grant lasts.
    minutes: int
    #: Customers that one person may look at within an hour without a second person.
    people: int
    #: Whether restricted data is opened for it.
    is_legal: bool
    #: Which purpose of the register of fields a look serves.
    reads_for: str
    #: Purpose under which the vault keeps it → the fields that are shown.
    data: Mapping[str, tuple[str, ...]]
    #: Categories of features that are shown of a profile.
    profile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one role or scope may do."""

    #: Of the console.
    permissions: frozenset[str]
    purposes: frozenset[str]
    #: Kinds of approval that it may ask for, and those that it may give.
    requests: frozenset[str]
    approves: frozenset[str]
    #: Roles whose rights it may take in an emergency.
    emergency: frozenset[str] = frozenset()
    #: Queues from which it takes cases.
    cases: frozenset[str] = frozenset()
    #: Whether it looks over all customers without a case of each.
    whole_book: bool = False
    #: Attributes that it must hold.
    needs: frozenset[str] = frozenset()
    #: Purposes of the register of fields for which it may read at all.
    reads: frozenset[str] = frozenset()
    #: For which of them its pages open what the vault seals of persons; empty: for none.
    reads_for: str = ""
    sees: Sight = Sight.PSEUDONYM


_NONE: Final = Rights(
    permissions=frozenset(), purposes=frozenset(), requests=frozenset(), approves=frozenset()
)
#: Looks persons up by their identity or phone number, which a pseudonym is there to hide.
_FIND: Final = "find_person"
#: What an emergency never lends: judging others, and being the second person.
_NEVER_LENT: Final = frozenset({"approvals", "manage_staff"})
#: Permission → the other rights that end with it, by the name of the member.
_WITH_PERMISSION: Final = {"reveal": ("purposes",), "approvals": ("requests", "approves")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """What an act hangs on beyond the role."""

    #: Attributes that limit it where somebody holds them.
    binds: frozenset[str]
    #: Courses that must have been passed.
    courses: frozenset[str]
    #: Whether it takes an open case of the customer, whoever does it.
    needs_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The whole matrix."""

    #: Permission or scope → what it hangs on.
    acts: Mapping[str, ActRule]
    #: Course → its Chinese and its English name.
    courses: Mapping[str, tuple[str, str]]

    purposes: Mapping[str, LookPurpose]
    #: Kind of approval → its Chinese and its English name.
    approvals: Mapping[str, tuple[str, str]]
    rights: Mapping[str, Rights]
    #: Act of a program → for which purpose of the register of fields it reads personal data.
    reads: Mapping[str, str]
    #: Operation that keys of hosts open → the purpose for which the host has to be registered.
    host_operations: Mapping[str, str]
    #: Operations by which a host would act in the place of a customer.
    customer_acts: frozenset[str]
    #: Scope → the purposes of the register of fields for which a program may read by it.
    scope_reads: Mapping[str, frozenset[str]]
    #: Purposes for which customers read what is kept of themselves.
    customer_reads: frozenset[str]

    def rights_of(self, role: str) -> Rights:
        """Return the rights of a role or scope; an unknown one has none."""
        return self.rights.get(role, _NONE)

    def rights_for(self, actor: Actor) -> Rights:
        """Return the rights of somebody now: of the role, less what expired, and what is lent.

        An emergency lends what one may do and see, never the right to be the second person.
        """
        own = self.rights_of(actor.role)
        own = replace(own, permissions=own.permissions - actor.suspended)
        for permission in actor.suspended & _WITH_PERMISSION.keys():
            ended: dict[str, Any] = dict.fromkeys(_WITH_PERMISSION[permission], frozenset())
            own = replace(own, **ended)
        lent = self.rights_of(actor.lent)
        return replace(
            own,
            permissions=own.permissions | (lent.permissions - _NEVER_LENT),
            purposes=own.purposes | lent.purposes,
            reads=own.reads | lent.reads,
            reads_for=lent.reads_for or own.reads_for,
            sees=lent.sees if actor.lent else own.sees,
        )

    def purposes_given(self, actor: Actor) -> frozenset[str]:
        """Return for what somebody may read now: by role, or by the scope that a program uses."""
        given = self.scope_reads.get(actor.role)
        return self.rights_for(actor).reads if given is None else given

    def reading_of(self, actor: Actor, act: str) -> Reading:
        """Return for what somebody's pages read persons, now."""
        return Reading(act=act, purpose=self.rights_for(actor).reads_for, actor=actor)

    def purpose_for(self, actor: Actor, purpose: str) -> LookPurpose | None:
        """Return a purpose for which somebody may look; None where they may not."""
        return self.purposes.get(purpose) if purpose in self.rights_for(actor).purposes else None


@cache
def load_matrix() -> Matrix:
    """Return the matrix of this release."""
    text = resources.files("counterfoil.platform").joinpath("access_matrix.toml").read_text("utf-8")
    return parse_matrix(tomllib.loads(text))


def reading(act: str) -> Reading:
    """Return for what an act of a program reads; KeyError where the matrix does not declare it."""
    return Reading(act=act, purpose=load_matrix().reads[act])


def parse_matrix(read: Mapping[str, Any]) -> Matrix:
    """Return a matrix that was read from a file; raise ValueError where it contradicts itself."""
    purposes = {code: _purpose(code, item) for code, item in read["purposes"].items()}
    approvals = {code: (item["zh"], item["en"]) for code, item in read["approvals"].items()}
    roles = {name: _rights(item) for name, item in read["roles"].items()}
    machines = {name: _rights(item) for name, item in read["machines"].items()}
    courses = {code: (item["zh"], item["en"]) for code, item in read["courses"].items()}
    acts = {name: _act(name, item, courses) for name, item in read["acts"].items()}
    _only_known("role", roles, {role.value for role in Role})
    _only_known("scope", machines, {scope.value for scope in Scope})
    for name, rights in (roles | machines).items():
        _only_known(f"purpose of {name}", rights.purposes, purposes)
        _only_known(f"request of {name}", rights.requests, approvals)
        _only_known(f"approval of {name}", rights.approves, approvals)
        _only_known(f"emergency of {name}", rights.emergency, roles)
        _only_known(f"permission of {name}", rights.permissions, acts)
        _only_known(f"attribute of {name}", rights.needs, Attribute)
        _only_known(f"case of {name}", rights.cases, QUEUES)
    _only_known("scope among the acts", Scope, acts)
    _only_known("scope among those that read", Scope, read["scopes"])
    _only_known(
        "role that reads", roles, {name for name in roles if "reads" in read["roles"][name]}
    )
    unsaid = [name for name, rights in roles.items() if not (rights.cases or rights.whole_book)]
    if unsaid:
        raise ValueError(f"the access matrix does not say how {', '.join(unsaid)} reach customers")
    finding = [
        name
        for name, rights in roles.items()
        if rights.sees is not Sight.MASKED and _FIND in rights.permissions
    ]
    if finding:
        raise ValueError(f"{', '.join(finding)} sees pseudonyms and would find persons by a number")
    if any(rights.approves for rights in machines.values()):
        raise ValueError("a program is not the second person")
    return Matrix(
        acts=acts,
        courses=courses,
        purposes=purposes,
        approvals=approvals,
        rights=roles | machines,
        reads=dict(read["reads"]),
        host_operations=dict(read["hosts"]["operations"]),
        customer_acts=frozenset(read["hosts"]["customer_acts"]["operations"]),
        scope_reads={scope: frozenset(given) for scope, given in read["scopes"].items()},
        customer_reads=frozenset(read["customers"]["reads"]),
    )


def _act(name: str, item: Mapping[str, Any], courses: Mapping[str, object]) -> ActRule:
    _only_known(f"member of act {name}", item, {"binds", "courses", "case"})
    _only_known(f"attribute of act {name}", item["binds"], Attribute)
    _only_known(f"course of act {name}", item.get("courses", ()), courses)
    return ActRule(
        binds=frozenset(item["binds"]),
        courses=frozenset(item.get("courses", ())),
        needs_case=item.get("case", False),
    )


def _purpose(code: str, item: Mapping[str, Any]) -> LookPurpose:
    _only_known(
        f"member of purpose {code}",
        item,
        {"zh", "en", "minutes", "people", "legal", "data", "profile", "reads_for"},
    )
    return LookPurpose(
        code=code,
        name_zh=item["zh"],
        name_en=item["en"],
        minutes=item["minutes"],
        people=item["people"],
        is_legal=item["legal"],
        reads_for=item["reads_for"],
        data={name: tuple(fields) for name, fields in item["data"].items()},
        profile=tuple(item.get("profile", ())),
    )


def _rights(item: Mapping[str, Any]) -> Rights:
    _only_known("right", item, _RIGHTS_MEMBERS)
    return Rights(
        cases=frozenset(item.get("cases", ())),
        whole_book=item.get("whole_book", False),
        needs=frozenset(item.get("needs", ())),
        permissions=frozenset(item.get("permissions", ())),
        purposes=frozenset(item["purposes"]),
        requests=frozenset(item["requests"]),
        approves=frozenset(item.get("approves", ())),
        emergency=frozenset(item.get("emergency", ())),
        reads=frozenset(item.get("reads", ())),
        reads_for=item.get("reads_for", ""),
        sees=Sight(item.get("sees", Sight.PSEUDONYM)),
    )


def _only_known(what: str, given: Any, known: Any) -> None:
    unknown = set(given) - set(known)
    if unknown:
        raise ValueError(f"unknown {what} in the access matrix: {', '.join(sorted(unknown))}")
