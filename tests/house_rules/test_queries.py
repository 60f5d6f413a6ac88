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
