"""The API's description, OpenAPI 3.1: made from the shapes that check requests and answers.

Invariant   What is described is what is checked: the writes that bypass the framework are
            described from the same models that read their bodies. A test compares the committed
            document with the code, another sends every example in it.
"""

import inspect
import re
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from counterfoil import __version__
from counterfoil.api.openapi_parts import drop_plain_titles, share
from counterfoil.api.reads import API_KEY
from counterfoil.api.shapes import Problem, id_schema
from counterfoil.api.writes import KEY_LENGTH_MAX, Write
from counterfoil.kernel import ids

TITLE: Final = "Counterfoil"
DESCRIPTION: Final = (
    "Credit lines, drawdowns, repayments, books. Amounts are integers of minor units with their "
    "currency, rates integers in 1e-8, identifiers typed texts. Every write takes an "
    "`Idempotency-Key` and answers the same bytes when it is repeated; every error is a problem "
    "document with a stable code and a next step."
)
_REFERENCE: Final = "#/components/schemas/"
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": f"{_REFERENCE}Problem"}}}
_NAMES: Final = {
    ids.ADDRESS_REQUEST: "an address that waits to be proven",
    ids.HOST_PAYEE: "an account that a host has declared",
    ids.CONTACT_CASE: "a case of a customer whom no channel reaches",
    ids.AGREEMENT_NOTICE: "notices to all lines of a product",
    ids.MESSAGE: "a message to a customer",
    ids.HOST: "a host",
    ids.LOAN: "a loan",
    ids.PURCHASE: "a purchase of a scene",
    ids.CAMPAIGN: "a campaign",
    ids.DELIVERY: "a notice to a host",
    ids.CUSTOMER: "a customer",
    ids.LINE: "a credit line",
    ids.APPLICATION: "an application",
} | {
    ids.LINE_REVIEW: "a review of a line",
    ids.LINE_MEASURE: "a measure on a line",
    ids.LINE_REVIEW_CASE: "a case of a line's review",
    ids.LINE_APPEAL: "an appeal against a measure",
    ids.LINE_SIGNAL: "a signal about a line",
    ids.CALL_REQUEST: "a request for a call",
    ids.FEATURE_CORRECTION: "a proposal about a bad record",
    ids.LIMIT_REQUEST: "a request for a higher limit",
    ids.SETTING_REQUEST: "a change of a setting",
    ids.MANDATE: "a mandate for auto-debit",
    ids.REPAYMENT: "a repayment",
    ids.REVIEW: "a review",
    ids.CONSENT: "a consent",
    ids.LEGAL_HOLD: "a legal hold",
    ids.RIGHTS_REQUEST: "a request about personal data",
    ids.ACCESS_GRANT: "a grant",
    ids.CONTRACT: "a contract",
    ids.SNOOZE: "a suppressed rule",
    ids.IDENTITY_CASE: "an identity case",
}
_KEY_HEADER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for each new request; the same when one is repeated.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_LENGTH_MAX,
        "pattern": "^[!-~]+$",
    },
    "example": "5f1c4e0a-9d0f-4c52-b1de-0e6d4f2a7b11",
}
_REPLAYED: Final = {
    "description": "`true` where the answer is that of an earlier request with the same key.",
    "schema": {"type": "string", "const": "true"},
}
#: The problems of every operation, and those of writes besides.
_PROBLEMS: Final = {
    "401": "No valid API key.",
    "403": "The key lacks the scope.",
    "422": "The request does not have the form described.",
    "default": "Any other refusal or failure; `code` says which.",
}
_PROBLEMS_OF_WRITES: Final = {
    "400": "No JSON, or no idempotency key.",
    "409": "Not possible as things stand.",
    "413": "The body is too large.",
    "415": "The body is not declared as JSON.",
    "429": "Too much is waiting; try again.",
    "503": "The outcome is open or nothing can be taken; repeat with the same key.",
}


def endpoint_documents(write: Write) -> dict[str, Any]:
    """Return what the router has to know of a write besides its path, to describe it."""
    body = write.described_by or write.body
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": id_schema(prefix, _NAMES[prefix]),
        }
        for name, prefix in write.path_ids.items()
    ]
    if write.needs_key:
        parameters.append(_KEY_HEADER)
    media = {"schema": {"$ref": _REFERENCE + body.__name__}, "example": write.example}
    return {
        "methods": ["POST"],
        "name": write.name,
        "tags": [write.tag],
        "summary": write.summary,
        "description": write.description,
        "response_model": write.answer,
        "status_code": write.status,
        "response_description": "Done, and durable." if write.needs_key else "The answer.",
        "openapi_extra": {
            "security": [{API_KEY: [write.scope.value]}],
            "parameters": parameters,
            "requestBody": {"required": True, "content": {"application/json": media}},
        },
    }


def document(app: FastAPI, writes: tuple[Write, ...]) -> dict[str, Any]:
    """Return the whole description."""
    made: dict[str, Any] = get_openapi(
        title=TITLE,
        version=__version__,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
    )
    schemas = made["components"]["schemas"]
    bodies = [write.described_by or write.body for write in writes]
    _, extra = models_json_schema(
        [*[(body, "validation") for body in bodies], (Problem, "serialization")],
        ref_template=_REFERENCE + "{model}",
    )
    schemas.update(extra["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _add_comments(schemas)
    made["components"]["schemas"] = schemas
    made["components"]["securitySchemes"] = {
        API_KEY: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cfk_…",
            "description": "An API key with the scope that the operation names.",
        }
    }
    names = {write.name: write for write in writes}
    for item in made["paths"].values():
        for operation in item.values():
            _add_problems(operation, names.get(operation["operationId"]))
    drop_plain_titles(schemas)
    share(made)
    return _renamed(made)


def _renamed(made: dict[str, Any]) -> dict[str, Any]:
    """Name shapes of one name by their resource, where the framework names them by their module."""
    text = orjson.dumps(made).decode()
    for name in made["components"]["schemas"]:
        if "__" in name:
            *_, resource, shape = name.split("__")
            plain = resource.title().replace("_", "") + shape
            text = text.replace(f'"{_REFERENCE}{name}"', f'"{_REFERENCE}{plain}"')
            text = text.replace(f'"{name}":', f'"{plain}":')
    renamed: dict[str, Any] = orjson.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = dict(sorted(schemas.items()))
    return renamed


def _add_problems(operation: dict[str, Any], write: Write | None) -> None:
    responses = operation["responses"]
    for status, response in responses.items():
        if write is not None and write.needs_key and status.startswith("2"):
            response["headers"] = {"Idempotent-Replayed": _REPLAYED}
    wanted = _PROBLEMS | (_PROBLEMS_OF_WRITES if write is not None else {})
    if "security" not in operation:
        # Open to everybody; where its address is checked, that is described in our words too.
        shown = {"default", *responses} & {"422", "default"}
        wanted = {status: _PROBLEMS[status] for status in shown}
    for status, text in sorted(wanted.items()):
        responses[status] = {"description": text, "content": _PROBLEM}


def _add_comments(schemas: dict[str, Any]) -> None:
    """Describe members by the comments that stand above their fields."""
    for shape in _shapes(BaseModel):
        long_name = f"{shape.__module__.replace('.', '__')}__{shape.__name__}"
        schema = schemas.get(shape.__name__) or schemas.get(long_name)
        if schema is None:
            continue
        for owner in reversed(shape.__mro__):
            if issubclass(owner, BaseModel) and owner is not BaseModel:
                for name, text in _comments(owner).items():
                    if name in schema.get("properties", {}):
                        schema["properties"][name].setdefault("description", text)


def _shapes(root: type[BaseModel]) -> list[type[BaseModel]]:
    found = []
    for shape in root.__subclasses__():
        if shape.__module__.startswith("counterfoil.api"):
            found.append(shape)
        found += _shapes(shape)
    return found


_COMMENTED: Final = re.compile(r"((?:^    #: .*\n)+)    (\w+):", re.MULTILINE)


def _comments(shape: type) -> dict[str, str]:
    """Return the comments of a class's fields."""
    try:
        source = inspect.getsource(shape)
    except (OSError, TypeError):
        return {}
    return {
        name: " ".join(line.strip().removeprefix("#: ") for line in lines.splitlines())
        for lines, name in _COMMENTED.findall(source)
    }
