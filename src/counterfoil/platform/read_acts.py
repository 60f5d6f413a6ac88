"""For what each way in reads what is kept of persons; a way that does not say is closed.

Form        `read_acts.toml` beside this module: operations of the API, pages of both sites,
            commands and background jobs, each with purposes of the register of fields.
Held        Whoever goes a way has to be given all of its purposes by the access matrix; the tests
            hold every statement that runs on a way against the purposes for which the register
            keeps the tables that it reads.
Cost        Declarations are resolved once; on the way they are one look into a table.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.holdings import ACT_NOT_DECLARED, PURPOSE_NOT_GIVEN

#: Ends the name of a purpose that a part of a page alone is for.
_OF_PART: Final = "?"


class Door(StrEnum):
    """Where somebody comes in."""

    PROGRAMS = "programs"
    CONSOLE = "console"
    PORTAL = "portal"
    COMMANDS = "commands"
    JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class ReadAct:
    """A way in, and what for it reads."""

    door: Door
    #: An operation, the address of a page, the words of a command, or a job.
    name: str
    #: Of the register of fields; empty where nothing about persons is read.
    purposes: frozenset[str]
    #: Those of parts that are left out for whoever is not given them.
    of_parts: frozenset[str] = frozenset()

    @property
    def said(self) -> str:
        """Return the purposes as the trail tells them."""
        return " ".join(sorted(self.purposes))


#: What the present task is about; None outside of every declared way.
reading_now: Final[ContextVar[ReadAct | None]] = ContextVar("reading_now", default=None)


@cache
def _file() -> Mapping[str, Any]:
    text = resources.files("counterfoil.platform").joinpath("read_acts.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def load_read_acts() -> Mapping[Door, Mapping[str, ReadAct]]:
    """Return what this release declares, by door and name."""
    read = _file()
    return {
        door: {name: _read_act(door, name, purposes) for name, purposes in read[door].items()}
        for door in Door
    }


def _read_act(door: Door, name: str, purposes: Sequence[str]) -> ReadAct:
    of_parts = {one.removesuffix(_OF_PART) for one in purposes if one.endswith(_OF_PART)}
    whole = {one for one in purposes if not one.endswith(_OF_PART)}
    return ReadAct(door, name, frozenset(whole), frozenset(of_parts))


def begin_reading(door: Door, name: str, given: frozenset[str] = frozenset()) -> ReadAct | None:
    """Take up a way for the present task; None, and nothing taken up, where it is not declared.

    Of its parts those are taken up that are for what the reader is given.
    """
    act = load_read_acts()[door].get(name)
    if act is not None and act.of_parts:
        act = replace(act, purposes=act.purposes | (act.of_parts & given))
    reading_now.set(act)
    return act


@contextmanager
def reading_as(door: Door, name: str) -> Iterator[None]:
    """Work for a while on a way of its own, such as a job that somebody sets off by hand."""
    token = reading_now.set(load_read_acts()[door][name])
    try:
        yield
    finally:
        reading_now.reset(token)


def reads_for(purpose: str) -> bool:
    """Return whether the present task reads for a purpose: a part of a page asks."""
    act = reading_now.get()
    return act is not None and purpose in act.purposes


def purposes_said() -> str:
    """Return what the present task reads for, as the trail tells it; empty outside of a way."""
    act = reading_now.get()
    return "" if act is None else act.said


def names_findings() -> bool:
    """Return whether the command at hand is a check that may name whom it found wrong.

    Those for which nobody signs in stand under `unattended`.
    """
    act = reading_now.get()
    return act is not None and act.name in _file()["unattended"]["findings"]


def refuse_reading(door: Door, name: str, actor: Actor) -> Refused | None:
    """Refuse a way that is not declared, or that reads for what somebody is not given."""
    act = load_read_acts()[door].get(name)
    return _refuse(act, name, actor.name, load_matrix().purposes_given(actor))


@cache
def refuse_program(operation: str, scope: str) -> Refused | None:
    """Refuse an operation that reads for what a scope is not given; the same answer for ever."""
    act = load_read_acts()[Door.PROGRAMS].get(operation)
    return _refuse(act, operation, scope, load_matrix().scope_reads[scope])


@cache
def refuse_customer(page: str) -> Refused | None:
    """Refuse a page of the portal that reads for what no customer asks; always the same."""
    act = load_read_acts()[Door.PORTAL].get(page)
    return _refuse(act, page, "customer", load_matrix().customer_reads)


def _refuse(act: ReadAct | None, name: str, holder: str, given: frozenset[str]) -> Refused | None:
    if act is None:
        return refuse(ACT_NOT_DECLARED, act=name)
    outside = act.purposes - given
    if not outside:
        return None
    return refuse(PURPOSE_NOT_GIVEN, act=name, holder=holder, purpose=", ".join(sorted(outside)))
