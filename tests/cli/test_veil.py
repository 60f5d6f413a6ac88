"""Aliases at the command line: read before a command sees them, written in place of numbers."""

import contextlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner, Result

from counterfoil.cli import output, veil
from counterfoil.cli.acting import in_house
from counterfoil.cli.wall import WalledGroup
from counterfoil.journeys.guarding.recipient_keys import sight_key
from counterfoil.kernel import ids
from counterfoil.kernel.creditor_reference import grouped, reference_of
from counterfoil.kernel.errors import Refused
from counterfoil.platform.access_matrix import Actor
from counterfoil.privacy.alias import Aliases

REFERENCE = grouped(reference_of(ids.LOAN, 77 << 30))
LOAN, LINE = ids.to_text(ids.LOAN, 77 << 30), ids.to_text(ids.LINE, 78 << 30)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COUNTERFOIL_HOME", str(tmp_path))
    # The commands of these tests are made here, and no release declares for what they read.
    monkeypatch.setattr("counterfoil.platform.read_acts.begin_reading", lambda *_of: object())
    return SimpleNamespace(settings=SimpleNamespace(home=tmp_path))


def aliases_of(house: Any, role: str) -> Aliases:
    return Aliases(sight_key(house, Actor(name="x", role=role, source="test")))


def run(house: Any, role: str, *arguments: str) -> Result:
    """Run a command that shows what it was given, by a table, as JSON and as lines."""
    app = typer.Typer(cls=WalledGroup)

    @app.command()
    def show(numbers: list[str], *, wide: Annotated[bool, typer.Option()] = False) -> None:
        if wide:
            typer.echo(f"not understood: {numbers}", err=True)
            raise typer.Exit(2)
        if role:
            refused = veil.check(house, Actor(name="x", role=role, source="test"))
            if isinstance(refused, Refused):
                raise output.fail(output.words_of(refused))
        output.write_table("t", ("record",) * 12, [[LOAN] * 12])
        output.write_json({"given": numbers, "loan": LOAN})
        typer.echo(f"{LOAN} and {LINE}, by transfer {REFERENCE}", err=True)
        sys.stdout.write(LINE)

    @app.command()
    def trace_number(number: str) -> None:
        typer.echo(f"as given: {number}")

    return CliRunner().invoke(app, list(arguments))


def test_a_pseudonym_seer_is_shown_aliases_however_they_are_written(house: Any) -> None:
    own = aliases_of(house, "risk_analyst")
    done = run(house, "risk_analyst", "show", own.of(ids.LINE, 78 << 30))
    said = done.stdout + done.stderr
    assert done.exit_code == 0, said
    assert LOAN not in said
    assert LINE not in said
    # In cells that are folded as well, whose pieces no pattern finds.
    assert "lo_" not in said
    assert own.give_out(LOAN) in done.stdout
    assert own.give_out(f'"{LINE}"') in done.stdout
    assert own.give_out(f"{LOAN} and {LINE}") in done.stderr
    assert f"by transfer {own.give_out(LOAN)}" in done.stderr


def test_whoever_sees_persons_is_shown_the_records_own_numbers(house: Any) -> None:
    done = run(house, "operations", "show", LOAN)
    assert done.exit_code == 0
    assert LOAN in done.stdout


@pytest.mark.parametrize(
    ("role", "given_to", "code"),
    [
        ("risk_analyst", "support", "record_number_of_another"),
        ("operations", "support", "record_number_of_another"),
        ("risk_analyst", "", "alias_missing"),
    ],
)
def test_numbers_of_others_are_refused(house: Any, role: str, given_to: str, code: str) -> None:
    number = aliases_of(house, given_to).give_out(LOAN) if given_to else LOAN
    done = run(house, role, "show", f"about:{number}")
    assert done.exit_code == 1
    assert code in done.stderr
    assert LINE not in done.stdout


def test_a_payment_reference_is_refused_like_the_number_in_it(house: Any) -> None:
    done = run(house, "risk_analyst", "show", *REFERENCE.split())
    assert done.exit_code == 1
    assert "alias_missing" in done.stderr


def test_an_alias_of_a_key_that_is_gone_ends_the_command(house: Any) -> None:
    done = run(house, "risk_analyst", "show", Aliases(b"gone").give_out(LOAN))
    assert done.exit_code == 1
    assert "record_number_of_another" in done.stderr


def test_what_fails_before_a_sign_in_tells_nothing_of_an_alias(house: Any) -> None:
    alias = aliases_of(house, "risk_analyst").give_out(LOAN)
    done = run(house, "", "show", "--wide", alias)
    assert done.exit_code == 2
    assert LOAN not in done.stderr
    assert alias in done.stderr


def test_the_trace_takes_an_alias_as_it_stands(house: Any) -> None:
    alias = aliases_of(house, "risk_analyst").give_out(LOAN)
    assert alias in run(house, "", "trace-number", alias).stdout


def test_a_command_for_nobody_in_particular_takes_no_alias(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(work: Any) -> Any:
        return await work(house)

    async def nothing(_house: Any) -> None:
        raise AssertionError("the command ran")

    def at_once(work: Any) -> Any:
        with contextlib.suppress(StopIteration):
            work(house).send(None)

    monkeypatch.setattr("counterfoil.cli.acting._run_in_house", at_once)
    veil.take_in(["show", aliases_of(house, "support").give_out(LOAN)])
    with pytest.raises(typer.Exit):
        in_house(nothing)
