"""The wall for what people type: every door has it, and a new field cannot be forgotten."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import typer
from pydantic import BaseModel, TypeAdapter, ValidationError

import counterfoil
from counterfoil.api.app import WRITES
from counterfoil.cli.main import app
from counterfoil.privacy.free_text import FIELDS, without_numbers

SOURCE = Path(counterfoil.__file__).parent
#: Longer than names and references are, which stand in fields of their own.
TALK = "the customer was called twice and did not answer, nobody knows why "
TYPED = f"{TALK}13877665544, id 11010519491231002X"
HIDDEN = f"{TALK}****, id ****"
#: What bodies take as it is, though it could hold a number: particulars that the vault keeps, and
#: what is no talk.
AS_IT_IS = {
    "ApplicantBody.name", "ApplicantBody.id_number", "ApplicantBody.phone",
    "AddressBody.address", "ProofBody.address",
    "PersonBody.name", "PersonBody.id_number", "PersonBody.phone",
    "LinkBody.name", "LinkBody.id_number", "LinkBody.phone",
    # A campaign with a figure in its words is refused.
    "WordsBody.title", "WordsBody.text",
    "ApprovalBody.payload", "CampaignBody.rule", "StatementBody.content",
    # Two people read an agreement's template, with the figures in its words, before it holds.
    "TemplateFiles.head", "TemplateFiles.zh", "TemplateFiles.en",
}  # fmt: skip
#: Fields of forms in which nobody writes freely, or that the vault is asked with.
NO_TALK = {
    "account", "address", "authority", "code", "customer", "days", "find", "name", "number",
    "operator", "partner",
    "quota", "record", "reference", "rule", "rules", "facts", "ticket", "token",
    "account_ref", "payee", "payee_ref", "title_zh", "title_en", "text_zh", "text_en", "value",
    "rate",
}  # fmt: skip


def bodies() -> list[type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}

    def walk(given: Any) -> None:
        for part in (given, *get_args(given)):
            if part is not given:
                walk(part)
            if isinstance(part, type) and issubclass(part, BaseModel):
                if part.__name__ in found:
                    continue
                found[part.__name__] = part
                for field in part.model_fields.values():
                    walk(field.annotation)

    for write in WRITES:
        walk(write.body)
    return list(found.values())


def texts() -> Iterator[tuple[str, Any]]:
    """Return what the API does with a text in each field that takes one."""
    for body in bodies():
        for name, field in body.model_fields.items():
            form: Any = Annotated[field.annotation, "", *field.metadata]
            adapter: TypeAdapter[Any] = TypeAdapter(form)
            try:
                yield f"{body.__name__}.{name}", adapter.validate_python(TYPED)
            except ValidationError:
                continue


def test_no_body_of_the_api_lets_a_number_through() -> None:
    taken = dict(texts())
    assert taken["AppealBody.grounds"] == HIDDEN
    assert taken["StopBody.reason"] == HIDDEN
    through = {name for name, value in taken.items() if value != HIDDEN}
    assert through - AS_IT_IS == set()


def read_names(folder: str) -> set[str]:
    """Return the names of all fields that pages of a site read as texts."""
    names = set()
    for path in (SOURCE / folder).rglob("*.py"):
        text = path.read_text("utf-8")
        if "reader.text(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            is_reader = isinstance(node.func.value, ast.Name) and node.func.value.id == "reader"
            if is_reader and node.func.attr == "text" and isinstance(node.args[0], ast.Constant):
                names.add(str(node.args[0].value))
    return names


@pytest.mark.parametrize("site", ["console", "portal"])
def test_every_field_of_a_form_is_behind_the_wall_or_known_as_no_talk(site: str) -> None:
    found = read_names(site)
    assert found
    assert found - FIELDS - NO_TALK == set()
    text = (SOURCE / site / "app.py").read_text("utf-8")
    assert text.count("parse_form(") == text.count("without_numbers(parse_form(") == 1


def test_a_form_keeps_what_is_no_talk() -> None:
    assert without_numbers({"find": "13877665544", "reason": TYPED}) == {
        "find": "13877665544",
        "reason": HIDDEN,
    }


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}".strip())


def test_every_option_in_which_one_writes_is_behind_the_wall() -> None:
    walled = 0
    for path, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            if parameter.name not in FIELDS:
                continue
            walled += 1
            assert parameter.callback is not None, (path, parameter.name)
            assert parameter.callback(None, parameter, TYPED) == HIDDEN, (path, parameter.name)
            assert parameter.callback(None, parameter, [TYPED]) == [HIDDEN]
            assert parameter.callback(None, parameter, None) is None
    assert walled > 50
