"""Every file of named queries can be loaded, and every query in it is used by somebody."""

import re
from collections.abc import Iterable

import pytest
from tests.house_rules.rules import is_room_sql
from tests.house_rules.sources import Source, allowed_at, product

from counterfoil.platform.queries import Queries

FILES = [source for source in product() if is_room_sql(source)]


def unused(queries: Source, python: Iterable[Source]) -> list[str]:
    """Return the names of queries that no Python file of the product mentions.

    Where a name is put together, `-- house: allow named-queries – <reason>` stands above it.
    """
    text = "\n".join(source.text for source in python if source.is_python)
    names = Queries.parse(queries.text, source=queries.path).names()
    return [
        name
        for name in names
        if not re.search(rf"(?:\.|[\"']){name}\b", text) and not _is_allowed(queries, name)
    ]


def _is_allowed(queries: Source, name: str) -> bool:
    lines = queries.text.splitlines()
    number = next(n for n, line in enumerate(lines, 1) if re.match(rf"-- *name: *{name}\s*$", line))
    return "named-queries" in allowed_at(queries, number)


@pytest.mark.parametrize("file", FILES, ids=[file.path for file in FILES])
def test_every_query_is_used(file: Source) -> None:
    assert unused(file, product()) == []


def test_an_unused_query_is_found() -> None:
    sql = Source("src/counterfoil/lending/store.sql", "-- name: a\n-- S.\nSELECT 1")
    store = "src/counterfoil/lending/store.py"
    allowed = Source(sql.path, f"-- house: allow named-queries – put together\n{sql.text}")
    assert unused(allowed, [Source(store, "x = 1")]) == []
    assert unused(sql, [Source(store, "x = 1")]) == ["a"]
    assert unused(sql, [Source(store, "Q.ab.fetch(c)")]) == ["a"]
    assert unused(sql, [Source(store, "Q.a.fetch(c)")]) == []
    assert unused(sql, [Source(store, "Q.fetch(c, 'a')")]) == []


LOADED = re.compile(
    r"^(?P<name>[A-Z_]+)(?:: Final)? = Queries\.load\(\s*\"counterfoil\.(?P<room>[\w.]+)\""
    r"(?:,\s*\"(?P<file>[\w.]+)\")?\s*,?\s*\)",
    re.MULTILINE,
)
BORROWED = re.compile(
    r"^from counterfoil\.(?P<module>[\w.]+) import QUERIES(?: as (?P<name>[A-Z_]+))?$", re.MULTILINE
)


def missing(python: Iterable[Source], sql: Iterable[Source]) -> list[str]:
    """Return the queries that modules ask a file for and that do not stand in it."""
    modules = {item.path: item for item in python if item.is_python}
    names = {item.path: Queries.parse(item.text, source=item.path).names() for item in sql}
    own = {
        path: {
            found["name"]: _file(found["room"], found["file"] or "store.sql")
            for found in LOADED.finditer(item.text)
        }
        for path, item in modules.items()
    }
    absent = []
    for path, item in modules.items():
        files = dict(own[path])
        for borrowed in BORROWED.finditer(item.text):
            lender = f"src/counterfoil/{borrowed['module'].replace('.', '/')}.py"
            files[borrowed["name"] or "QUERIES"] = own[lender]["QUERIES"]
        for name, file in files.items():
            asked = re.findall(
                rf"\b{name}\.([a-z_]+)\.(?:execute|fetch\w*|page|arguments)\(", item.text
            )
            absent += [f"{path}: {query}" for query in asked if query not in names.get(file, asked)]
    return absent


def _file(room: str, name: str) -> str:
    return f"src/counterfoil/{room.replace('.', '/')}/{name}"


def test_every_query_that_is_asked_for_is_there() -> None:
    assert missing(product(), FILES) == []


def test_a_query_that_is_not_there_is_found() -> None:
    sql = Source("src/counterfoil/lending/store.sql", "-- name: a\n-- S.\nSELECT 1")
    load = 'QUERIES: Final = Queries.load("counterfoil.lending", "store.sql")\n'
    store = Source("src/counterfoil/lending/store.py", load + "QUERIES.a.fetch(c)")
    beside = "from counterfoil.lending.store import QUERIES as LENDING\nLENDING.b.fetchrow(c)"
    other = Source("src/counterfoil/lending/other_store.py", beside)
    assert missing([store], [sql]) == []
    assert missing([store, other], [sql]) == ["src/counterfoil/lending/other_store.py: b"]


def half_turned(text: str) -> list[str]:
    """Return the queries read to both sides that leave a key's order or its comparison as it is."""
    wrong = []
    for body in re.split(r"(?m)^-- name: *", text)[1:]:
        if "/*turns*/" in body:
            keys = body[body.rindex("ORDER BY ") + len("ORDER BY ") :].splitlines()[0].split(",")
            is_whole = all(re.search(r"\b(?:ASC|DESC)\s*/\*turns\*/\s*$", key) for key in keys)
            if not is_whole or not re.search(r"[<>]\s*/\*turns\*/", body):
                wrong.append(body.split()[0])
    return wrong


COMPARED = re.compile(r"(\([^()]*\)|[\w.]+)\s*([<>])\s*/\*turns\*/")
ORDERED = re.compile(r"([\w.]+)\s+(ASC|DESC)\s*/\*turns\*/")


def beside_its_key(text: str) -> list[str]:
    """Return the queries read to both sides whose comparison and order are not of the same key."""
    wrong = []
    for body in re.split(r"(?m)^-- name: *", text)[1:]:
        clauses = (ORDERED.findall(clause) for clause in body.split("ORDER BY ")[1:])
        orders = [[(name.rpartition(".")[2], way) for name, way in one] for one in clauses if one]
        for key, sign in COMPARED.findall(body):
            names = [name.strip().rpartition(".")[2] for name in key.strip("()").split(",")]
            way = "DESC" if sign == "<" else "ASC"
            asked = [(name, way) for name in names]
            # Inside and outside of a part that ends early the order is the same.
            if not orders or any(order != asked for order in orders):
                wrong.append(body.split()[0])
    return wrong


@pytest.mark.parametrize("file", FILES, ids=[file.path for file in FILES])
def test_what_turns_turns_wholly(file: Source) -> None:
    assert half_turned(file.text) == []
    assert beside_its_key(file.text) == []


def test_a_list_that_would_come_back_in_another_order_is_found() -> None:
    begin = "-- name: a\n-- S.\nSELECT 1 WHERE (d, n) > /*turns*/ (:d, :n)\n"
    assert half_turned(begin + "ORDER BY d ASC /*turns*/, n ASC /*turns*/\nLIMIT 1;") == []
    assert half_turned(begin + "ORDER BY d ASC /*turns*/, n\nLIMIT 1;") == ["a"]
    unturned = begin.replace("/*turns*/ ", "")
    assert half_turned(unturned + "ORDER BY d ASC /*turns*/\nLIMIT 1;") == ["a"]
    assert beside_its_key(begin + "ORDER BY d ASC /*turns*/, n ASC /*turns*/") == []
    within = "ORDER BY d ASC /*turns*/, n ASC /*turns*/ LIMIT 1) AS x "
    assert beside_its_key(begin + within + "ORDER BY d ASC /*turns*/, n ASC /*turns*/") == []
    assert beside_its_key(begin + within + "ORDER BY d ASC /*turns*/") == ["a"]
    for order in ("n ASC /*turns*/, d ASC /*turns*/", "d ASC /*turns*/", "d DESC /*turns*/, n"):
        assert beside_its_key(begin + f"ORDER BY {order}") == ["a"]
