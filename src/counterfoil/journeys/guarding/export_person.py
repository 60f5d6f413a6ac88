"""Everything about one customer, for the customer: one document for programs, one to read.

Complete    Follows the register of fields: every table with customers that the register tells of is
            asked, so that a new table is in the export from the day it is declared. What is left
            out is named with its reason.
Personal    Name, identity number and telephone are opened through the vault, for the purpose
            `customer_request`, with grant, line of the trail and leaf. Data that law alone keeps
            stays closed, and the export says so.
Forms       JSON, and HTML that needs nothing from elsewhere and runs no script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Any, Final

import orjson

from counterfoil.journeys.guarding.reveal import RevealRequest, reveal
from counterfoil.journeys.house import House
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access_matrix import Actor, reading
from counterfoil.platform.database import Connection
from counterfoil.privacy.correction_store import read_former
from counterfoil.privacy.data_register import Declared, load_register
from counterfoil.privacy.refusals import (
    CIPHERTEXT_REJECTED,
    DATA_RESTRICTED,
    PERSONAL_DATA_NOT_FOUND,
)
from counterfoil.privacy.register_store import ROWS_MAX, rows_about
from counterfoil.privacy.retention import load_schedule
from counterfoil.privacy.vault import Purpose

FORMAT: Final = "counterfoil-person/1"
PURPOSE: Final = "customer_request"
_OPENED: Final = ("identity", "contact")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PersonExport:
    """What a customer is given; it never shows itself in a log."""

    customer_id: int
    made_at: datetime
    document: Mapping[str, Any]

    @property
    def json(self) -> bytes:
        """Return the form for programs."""
        return orjson.dumps(self.document, option=orjson.OPT_INDENT_2)

    @property
    def html(self) -> str:
        """Return the form to read."""
        return _page(self.document)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the form for programs, in hexadecimal digits."""
        return sha256(self.json).hexdigest()


async def export_person(
    house: House, actor: Actor, *, customer_id: int, ticket: str, reason: str
) -> PersonExport | Refused:
    """Gather everything that is told of a customer; the look at personal data is recorded."""
    request = RevealRequest(
        customer_ids=(customer_id,), purpose=PURPOSE, data=_OPENED, ticket=ticket, reason=reason
    )
    opened = await reveal(house, actor, request)
    closed = ""
    if isinstance(opened, Refused):
        if opened.refusal not in (DATA_RESTRICTED, PERSONAL_DATA_NOT_FOUND):
            return opened
        closed = opened.code
    elif opened[0].damaged:
        # A copy that left something out would not be everything.
        return refuse(CIPHERTEXT_REJECTED)
    person = {} if isinstance(opened, Refused) else opened[0].data
    now = house.clock.now()
    tables = _told()
    async with house.database.connection() as connection:
        found = {table.name: await rows_about(connection, table, customer_id) for table in tables}
        former = {} if closed else await _former(house, connection, customer_id)
    document = {
        "format": FORMAT,
        "customer_id": ids.to_text(ids.CUSTOMER, customer_id),
        "made_at": now.isoformat(),
        "person": {name: dict(fields) for name, fields in (*person.items(), *former.items())},
        "person_closed": closed,
        "sections": [_section(table, found[table.name]) for table in tables if found[table.name]],
        "left_out": _left_out(),
    }
    return PersonExport(customer_id=customer_id, made_at=now, document=document)


async def _former(
    house: House, connection: Connection, customer_id: int
) -> dict[str, Mapping[str, str]]:
    """Return what stood before it was corrected, by what it is and until when."""
    found: dict[str, Mapping[str, str]] = {}
    for purpose in (Purpose.IDENTITY, Purpose.CONTACT):
        for item in await read_former(
            connection, house.vault, customer_id, purpose, reading("person_export")
        ):
            found[f"{purpose.value} until {item.valid_until.isoformat()}"] = item.fields
    return found


def _told() -> list[Declared]:
    """Return the tables with customers that customers are told of."""
    tables = load_register().tables.values()
    return [item for item in tables if "customer_id" in item.columns and not item.not_told]


def _left_out() -> list[dict[str, str]]:
    tables = load_register().tables.values()
    return [
        {"zh": item.title_zh, "en": item.title_en, "reason": item.not_told}
        for item in tables
        if item.not_told
    ]


def _section(table: Declared, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    register, schedule = load_register(), load_schedule()
    kept = schedule.classes.get(table.retention)
    return {
        "table": table.name,
        "zh": table.title_zh,
        "en": table.title_en,
        "purposes": [
            {"zh": register.purposes[name][0], "en": register.purposes[name][1]}
            for name in table.purposes
        ],
        "legal_basis": dict(
            zip(("zh", "en"), register.legal_bases[table.legal_basis], strict=True)
        ),
        "kept_years": kept.floor_years if kept else None,
        "kept_from": kept.ceiling if kept else None,
        "is_complete": len(rows) < ROWS_MAX,
        "rows": list(rows),
    }


def _page(document: Mapping[str, Any]) -> str:
    parts = [
        "<!doctype html><html lang=zh-CN><meta charset=utf-8>",
        "<title>个人信息副本 · Copy of personal information</title>",
        (
            "<style>body{font:15px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
            "table{border-collapse:collapse;margin:0 0 1em}"
            "td,th{border:1px solid #999;padding:.2em .5em;"
            "text-align:left;vertical-align:top;overflow-wrap:anywhere}</style>"
        ),
        (
            "<h1>个人信息副本 · Copy of personal information</h1>"
            f"<p>{escape(document['customer_id'])} · {escape(document['made_at'])}</p>"
        ),
        *[
            f"<h2>{escape(name)}</h2>{_table([fields])}"
            for name, fields in document["person"].items()
        ],
    ]
    if document["person_closed"]:
        parts.append(
            "<p>姓名与号码仅因法律要求而保存，或已不再保存。"
            " Name and numbers are kept for law alone, or not any more.</p>"
        )
    parts += [_section_page(item) for item in document["sections"]]
    parts.append("<h2>未包含的内容 · Left out</h2><ul>")
    parts += [
        f"<li>{escape(item['zh'])} · {escape(item['en'])}: {escape(item['reason'])}</li>"
        for item in document["left_out"]
    ]
    return "".join([*parts, "</ul></html>"])


def _section_page(section: Mapping[str, Any]) -> str:
    purposes = ", ".join(f"{item['zh']} {item['en']}" for item in section["purposes"])
    basis = f"{section['legal_basis']['zh']} {section['legal_basis']['en']}"
    return (
        f"<h2>{escape(section['zh'])} · {escape(section['en'])}</h2>"
        f"<p>{escape(purposes)} · {escape(basis)}</p>{_table(section['rows'])}"
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    names = list(rows[0])
    head = "".join(f"<th>{escape(name)}" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(row[name]))}" for name in names) for row in rows
    )
    return f"<table><tr>{head}{body}</table>"


def _text(value: object) -> str:
    if value is None:
        return "—"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
