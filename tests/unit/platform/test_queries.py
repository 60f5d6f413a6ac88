"""Named queries: what is a parameter, what is not, and every way a file or a call can be wrong."""

from typing import Any

import pytest

from counterfoil.platform.queries import Queries, QueryError


def parse(body: str) -> tuple[str, tuple[str, ...]]:
    queries = Queries.parse(f"-- name: probe\n-- A sentence.\n{body}")
    return queries.probe.sql, queries.probe.parameters


@pytest.mark.parametrize(
    ("body", "sql", "parameters"),
    [
        ("SELECT :a", "SELECT $1", ("a",)),
        ("SELECT :b, :a, :b", "SELECT $1, $2, $1", ("b", "a")),
        ("SELECT :a::bigint", "SELECT $1::bigint", ("a",)),
        ("SELECT :ids::bigint[]", "SELECT $1::bigint[]", ("ids",)),
        ("SELECT (:a)::text || ':b'", "SELECT ($1)::text || ':b'", ("a",)),
        ("SELECT 'it''s :b', :a", "SELECT 'it''s :b', $1", ("a",)),
        (r"SELECT E'\':b', :a", r"SELECT E'\':b', $1", ("a",)),
        (r"SELECT 'ends in \', :a", r"SELECT 'ends in \', $1", ("a",)),
        ('SELECT ":b", :a', 'SELECT ":b", $1', ("a",)),
        ("SELECT $$ :b; $$, :a", "SELECT $$ :b; $$, $1", ("a",)),
        ("SELECT $t$ $$ :b $t$, :a", "SELECT $t$ $$ :b $t$, $1", ("a",)),
        ("SELECT now()::time - '12:30:00'", "SELECT now()::time - '12:30:00'", ()),
        ("SELECT x[1:2], :a", "SELECT x[1:2], $1", ("a",)),
        ("SELECT 1 -- not :b\n, :a", "SELECT 1\n, $1", ("a",)),
        ("SELECT /* not :b; */ :a;", "SELECT  $1", ("a",)),
        ("SELECT ';';", "SELECT ';'", ()),
        ("SELECT name'x', :a", "SELECT name'x', $1", ("a",)),
    ],
)
def test_parameters_are_found_and_nothing_else_is(
    body: str, sql: str, parameters: tuple[str, ...]
) -> None:
    assert parse(body) == (sql, parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- name: a\n-- S.\nSELECT 1;\n-- name: a\n-- S.\nSELECT 2;", "the name a occurs twice"),
        ("-- name: Bad Name\n-- S.\nSELECT 1", "'Bad Name' is not a name"),
        ("-- name:\n-- S.\nSELECT 1", "'' is not a name"),
        ("SELECT 1;", "text before the first"),
        ("-- name: a\nSELECT 1", "query a has no sentence"),
        ("-- name: a\n-- S.\n", "query a is empty"),
        ("-- name: a\n-- S.\nSELECT 1; SELECT 2", "query a has more than one statement"),
        ("-- name: a\n-- S.\nSELECT $1", "query a uses $1"),
        ("-- name: a\n-- S.\nSELECT 'open", "query a leaves ' open"),
        ("-- name: a\n-- S.\nSELECT /* open", "query a leaves /* open"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        Queries.parse(text, source="lending/store.sql")
    assert message in str(refused.value)
    assert "lending/store.sql" in str(refused.value)


def test_a_file_of_several_queries_keeps_them_apart_and_in_order() -> None:
    queries = Queries.parse(
        "-- What this file is for.\n\n-- name: b\n-- S.\nSELECT :x;\n\n"
        "-- name: a\n-- S.\n-- More.\nSELECT :y\n;\n"
    )
    assert queries.names() == ("b", "a")
    assert queries.b.sql == "SELECT $1"
    assert queries["a"].parameters == ("y",)


def test_an_unknown_name_fails() -> None:
    queries = Queries.parse("-- name: a\n-- S.\nSELECT 1", source="x.sql")
    with pytest.raises(AttributeError, match=r"x\.sql has no query named b"):
        _ = queries.b
    with pytest.raises(QueryError, match=r"x\.sql has no query named b"):
        _ = queries["b"]


def test_arguments_come_in_the_drivers_order() -> None:
    query = Queries.parse("-- name: a\n-- S.\nSELECT :y, :x").a
    assert query.arguments({"x": 1, "y": 2}) == (2, 1)


def test_a_missing_parameter_fails_before_the_database_is_asked() -> None:
    query = Queries.parse("-- name: a\n-- S.\nSELECT :y, :x").a
    with pytest.raises(QueryError, match="query a needs the parameter 'x'"):
        query.arguments({"y": 1})


def test_an_unused_parameter_fails_before_the_database_is_asked() -> None:
    query = Queries.parse("-- name: a\n-- S.\nSELECT :y").a
    with pytest.raises(QueryError, match="query a does not use: w, x"):
        query.arguments({"y": 1, "x": 2, "w": 3})


def test_a_marked_query_is_read_to_the_other_side_by_the_same_parameters() -> None:
    query = Queries.parse(
        "-- name: a\n-- S.\nSELECT n FROM t WHERE o < :o AND (d, n) > /*turns*/ (:d, :n)\n"
        "ORDER BY d ASC /*turns*/, n ASC /*turns*/ LIMIT :page"
    ).a
    assert (
        query.sql.split("WHERE ")[1]
        == "o < $1 AND (d, n) >  ($2, $3)\nORDER BY d ASC , n ASC  LIMIT $4"
    )
    assert query.sql_back == query.sql.replace(">", "<").replace("ASC", "DESC")
    newest = Queries.parse(
        "-- name: a\n-- S.\nSELECT n WHERE n < /*turns*/ :n ORDER BY n DESC /*turns*/"
    ).a
    assert newest.sql_back == newest.sql.replace("<", ">").replace("DESC", "ASC")


async def test_a_page_comes_in_the_order_of_the_list_from_both_sides() -> None:
    class Recorder:
        async def fetch(self, query: str, *_: object) -> list[int]:
            return [3, 2, 1] if "DESC" in query else [4, 5, 6]

    marked = "-- name: a\n-- S.\nSELECT n FROM t WHERE n > /*turns*/ :n ORDER BY n ASC /*turns*/"
    query = Queries.parse(marked).a
    behind: list[Any] = await query.page(Recorder(), is_back=False, n=3)  # type: ignore[arg-type]
    before: list[Any] = await query.page(Recorder(), is_back=True, n=4)  # type: ignore[arg-type]
    assert (behind, before) == ([4, 5, 6], [1, 2, 3])
    plain = Queries.parse("-- name: a\n-- S.\nSELECT n FROM t WHERE n > :n").a
    with pytest.raises(QueryError, match="marks nothing that turns"):
        await plain.page(Recorder(), is_back=True, n=4)  # type: ignore[arg-type]
