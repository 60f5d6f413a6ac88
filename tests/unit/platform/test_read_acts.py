"""For what each way in reads: all of them say it, and whoever goes one is given it."""

import re
from pathlib import Path

import pytest
import typer

import counterfoil
from counterfoil.api.app import WRITES, site_of
from counterfoil.api.desk import Desk
from counterfoil.api.openapi import document
from counterfoil.api.problems import load_texts
from counterfoil.cli.main import app
from counterfoil.console.app import PAGES as CONSOLE_PAGES
from counterfoil.platform import read_acts
from counterfoil.platform.access import Role, Scope
from counterfoil.platform.access_matrix import Actor, load_matrix
from counterfoil.platform.read_acts import (
    Door,
    begin_reading,
    load_read_acts,
    purposes_said,
    reading_as,
    reads_for,
    refuse_customer,
    refuse_program,
    refuse_reading,
)
from counterfoil.portal.app import PAGES as PORTAL_PAGES
from counterfoil.privacy.data_register import load_register

SOURCE = Path(counterfoil.__file__).parent


def operations() -> dict[str, str]:
    """Return the operations of the API with the scope of each."""
    paths = document(site_of(Desk(load_texts()))._router, WRITES)["paths"]  # type: ignore[arg-type]
    described = {
        operation["operationId"]: operation["security"][0]["apiKey"][0]
        for item in paths.values()
        for operation in item.values()
        if "security" in operation
    }
    # Files of the log are no operation of the description; entries need a scope all the same.
    return {**described, "get_log_file": Scope.EVIDENCE_READ.value}


def commands() -> dict[str, bool]:
    """Return the commands, and whether somebody signs in for them."""
    found, waiting = dict[str, bool](), [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        children = getattr(command, "commands", None)
        if children is None:
            options = {option for one in command.params for option in one.opts}
            found[" ".join(words)] = "--password-stdin" in options
        else:
            waiting += [((*words, name), child) for name, child in children.items()]  # type: ignore[misc]
    return found


def jobs() -> set[str]:
    text = "".join(
        path.read_text("utf-8")
        for path in (*(SOURCE / "worker").glob("*.py"), SOURCE / "cli" / "site.py")
    )
    by_hand = re.findall(
        r"reading_as\(Door\.JOBS, \"(\w+)\"\)",
        "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py")),
    )
    return {*re.findall(r'(?:look_every\(\s*|Job\(name=)"(\w+)"', text), *by_hand}


def test_every_way_says_for_what_it_reads_and_no_other_does() -> None:
    there = {
        Door.PROGRAMS: set(operations()),
        Door.CONSOLE: {page.path for page in CONSOLE_PAGES},
        Door.PORTAL: {page.path for page in PORTAL_PAGES},
        Door.COMMANDS: set(commands()),
        Door.JOBS: jobs(),
    }
    for door in Door:
        assert set(load_read_acts()[door]) == there[door], door


def test_every_purpose_is_one_of_the_register() -> None:
    known, matrix = set(load_register().purposes), load_matrix()
    for acts in load_read_acts().values():
        for act in acts.values():
            assert act.purposes | act.of_parts <= known, act
    for given in (*matrix.scope_reads.values(), *(one.reads for one in matrix.rights.values())):
        assert given <= known
    assert matrix.customer_reads <= known
    for role in Role:
        reads_for_persons = matrix.rights[role].reads_for
        assert {reads_for_persons} - {""} <= matrix.rights[role].reads, role


def test_every_operation_lies_within_what_its_scope_is_given() -> None:
    found = operations()
    assert {name: refuse_program(name, scope) for name, scope in found.items()} == dict.fromkeys(
        found
    )
    needed: dict[str, set[str]] = {}
    for name, scope in found.items():
        needed.setdefault(scope, set()).update(load_read_acts()[Door.PROGRAMS][name].purposes)
    # A scope is given no purpose that none of its operations needs.
    assert {scope: set(given) for scope, given in load_matrix().scope_reads.items()} == needed


def test_customers_open_every_page_of_the_portal() -> None:
    assert [page.path for page in PORTAL_PAGES if refuse_customer(page.path)] == []


def test_a_command_about_persons_signs_somebody_in_or_is_known_to_show_nobody() -> None:
    signs_in, acts = commands(), load_read_acts()[Door.COMMANDS]
    reading = {words for words, act in acts.items() if act.purposes}
    unattended = {words for names in read_acts._file()["unattended"].values() for words in names}
    assert {words for words in reading if not signs_in[words]} == unattended


@pytest.mark.parametrize(
    ("role", "page", "code"),
    [
        ("collector", "/loans", None),
        ("collector", "/customers/{customer}/applications/{application}", "purpose_not_given"),
        ("finance", "/payments", None),
        ("finance", "/consents", "purpose_not_given"),
        ("support", "/reviews", "purpose_not_given"),
        ("compliance", "/reviews", None),
        ("compliance", "/nowhere", "act_not_declared"),
        ("nobody", "/loans", "purpose_not_given"),
        ("lines:read", "/ledger", "purpose_not_given"),
    ],
)
def test_a_read_for_what_somebody_is_not_given_is_refused(
    role: str, page: str, code: str | None
) -> None:
    refused = refuse_reading(Door.CONSOLE, page, Actor(name="x", role=role, source="test"))
    assert (refused and refused.code) == code


def test_an_emergency_lends_what_is_read_for() -> None:
    lent = Actor(name="x", role="support", source="test", lent="operations")
    assert refuse_reading(Door.CONSOLE, "/reviews", lent) is None


def test_an_operation_that_nobody_declared_is_closed_and_so_is_one_of_another_scope() -> None:
    undeclared = refuse_program("list_shoes", "loans:read")
    outside = refuse_program("list_reviews", "loans:read")
    assert undeclared is not None
    assert undeclared.code == "act_not_declared"
    assert outside is not None
    assert outside.code == "purpose_not_given"
    assert refuse_customer("/shoes") is not None


def test_a_way_is_told_while_it_is_gone() -> None:
    assert begin_reading(Door.CONSOLE, "/nowhere") is None
    assert (purposes_said(), reads_for("contract")) == ("", False)
    begin_reading(Door.CONSOLE, "/customers/{customer}")
    assert purposes_said() == "contract"
    begin_reading(Door.CONSOLE, "/customers/{customer}", frozenset({"security", "law"}))
    assert purposes_said() == "contract security"
    with reading_as(Door.JOBS, "bank_day"):
        assert purposes_said() == ""
    assert reads_for("security")
    read_acts.reading_now.set(None)
