"""The register of fields: what is kept of persons, for what, on which ground, how long, by whom.

Form        `data_register.toml` beside this module: every table with its class, purposes, legal
            basis, class of retention and owner; its columns inherit them. Columns that name staff,
            hold what a person typed, or are sealed stand apart. The vault's records name each of
            their fields.
Invariant   What is not declared is not there: a test holds the register against the database, and
            the vault seals no field that the register does not name.
Follows     PIPL articles 6 and 51; the rules R024 and R031.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

#: Retention of what is about nobody: as long as the house runs.
HOUSE: Final = "house"
_LISTS: Final = ("columns", "staff", "free_text", "sealed")
_TABLE_MEMBERS: Final = frozenset(
    {
        "zh",
        "en",
        "class",
        "purposes",
        "legal_basis",
        "retention",
        "owner",
        "not_told",
        "fields",
        *_LISTS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One table, or one kind of record of the vault, with what is said of it."""

    name: str
    title_zh: str
    title_en: str
    #: `sensitive`, `personal`, `pseudonymous` or `house`.
    data_class: str
    purposes: tuple[str, ...]
    legal_basis: str
    #: Class of the retention schedule; `house` for what is about nobody.
    retention: str
    #: The role that answers for it.
    owner: str
    #: Columns that inherit all of this.
    columns: tuple[str, ...]
    #: Columns that name members of staff.
    staff: tuple[str, ...] = ()
    #: Columns that hold what a person typed.
    free_text: tuple[str, ...] = ()
    #: Columns with ciphertext, keys, digests or raw evidence.
    sealed: tuple[str, ...] = ()
    #: Why the person is not told of it; empty where they are.
    not_told: str = ""
    #: Column → the purposes for which it is read, where they are fewer than those of the whole.
    narrower: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def every_column(self) -> tuple[str, ...]:
        """Return all columns, whatever is said of them."""
        return (*self.columns, *self.staff, *self.free_text, *self.sealed)

    @property
    def told_columns(self) -> tuple[str, ...]:
        """Return what the person is told: neither the names of staff nor ciphertext."""
        return () if self.not_told else (*self.columns, *self.free_text)

    def readable(self, purpose: str) -> frozenset[str]:
        """Return the columns that may be read for a purpose; none for one that is not declared."""
        if purpose not in self.purposes:
            return frozenset()
        return frozenset(
            column for column in self.columns if purpose in self.narrower.get(column, self.purposes)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The whole register."""

    #: Purpose → its Chinese and its English name.
    purposes: Mapping[str, tuple[str, str]]
    legal_bases: Mapping[str, tuple[str, str]]
    classes: Mapping[str, tuple[str, str]]
    tables: Mapping[str, Declared]
    #: Purpose of the vault → its record.
    vault: Mapping[str, Declared]


class RegisterError(ValueError):
    """The register contradicts itself."""


@cache
def load_register() -> Register:
    """Return the register of this release; raise RegisterError where it contradicts itself."""
    file = resources.files("counterfoil.privacy").joinpath("data_register.toml")
    return parse_register(tomllib.loads(file.read_text("utf-8")))


def parse_register(read: Mapping[str, Any]) -> Register:
    """Return a register that was read from a file; raise RegisterError where it is not one."""
    register = Register(
        purposes=_names(read["purposes"]),
        legal_bases=_names(read["legal_bases"]),
        classes=_names(read["classes"]),
        tables={name: _declared(name, item) for name, item in read["tables"].items()},
        vault={name: _declared(f"vault.{name}", item) for name, item in read["vault"].items()},
    )
    for item in (*register.tables.values(), *register.vault.values()):
        _check(register, item)
    return register


def faults(register: Register, found: Mapping[str, Sequence[str]]) -> list[str]:
    """Return where register and database differ, each with what to write into the register.

    `found` are the columns of each table of the database, by its name with the schema.
    """
    wrong = []
    for name, columns in sorted(found.items()):
        declared = register.tables.get(name)
        if declared is None:
            wrong.append(_not_declared(name, columns))
            continue
        new = [column for column in columns if column not in declared.every_column]
        if new:
            wrong.append(
                f'{name} has columns that are not declared: add {_list(new)} to [tables."{name}"] '
                "in privacy/data_register.toml, under columns, or staff, free_text or sealed"
            )
        gone = [column for column in declared.every_column if column not in columns]
        if gone:
            wrong.append(f'{name} has no columns {_list(gone)}: take them out of [tables."{name}"]')
    return wrong + [
        f'there is no table {name}: take [tables."{name}"] out of the register'
        for name in sorted(set(register.tables) - set(found))
    ]


def _not_declared(name: str, columns: Sequence[str]) -> str:
    return (
        f"{name} is not declared; add to privacy/data_register.toml:\n"
        f'[tables."{name}"]\nzh = "…"\nen = "…"\n'
        'class = "sensitive | personal | pseudonymous | house"\npurposes = ["…"]\n'
        'legal_basis = "…"\nretention = "a class of retention.toml, or house"\nowner = "a role"\n'
        f"columns = {_list(columns)}"
    )


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _names(read: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    return {code: (item["zh"], item["en"]) for code, item in read.items()}


def _declared(name: str, item: Mapping[str, Any]) -> Declared:
    missing = {*_TABLE_MEMBERS, "columns"} - {*item, "not_told", "fields", *_LISTS[1:]}
    unknown = set(item) - _TABLE_MEMBERS
    if missing or unknown:
        raise RegisterError(f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    return Declared(
        name=name,
        title_zh=item["zh"],
        title_en=item["en"],
        data_class=item["class"],
        purposes=tuple(item["purposes"]),
        legal_basis=item["legal_basis"],
        retention=item["retention"],
        owner=item["owner"],
        not_told=item.get("not_told", ""),
        columns=tuple(item["columns"]),
        staff=tuple(item.get("staff", ())),
        free_text=tuple(item.get("free_text", ())),
        sealed=tuple(item.get("sealed", ())),
        narrower={column: frozenset(given) for column, given in item.get("fields", {}).items()},
    )


def _check(register: Register, item: Declared) -> None:
    for what, given, known in (
        ("class", (item.data_class,), register.classes),
        ("purpose", item.purposes, register.purposes),
        ("legal basis", (item.legal_basis,), register.legal_bases),
    ):
        unknown = set(given) - set(known)
        if unknown or not given:
            raise RegisterError(f"{item.name}: unknown {what} {sorted(unknown)}")
    for column, narrower in item.narrower.items():
        if column not in item.columns or not narrower or not narrower <= set(item.purposes):
            raise RegisterError(f"{item.name}: {column} is read for what it is not kept for")
    if len(set(item.every_column)) != len(item.every_column):
        raise RegisterError(f"{item.name}: a column stands there twice")
    is_of_persons = item.data_class != HOUSE
    if is_of_persons and (item.retention == HOUSE or item.legal_basis == "no_person"):
        raise RegisterError(f"{item.name}: what is about persons has a ground and an end")
