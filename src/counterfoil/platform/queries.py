"""Named queries: SQL stays in `.sql` files and is called by name with named parameters.

A file holds queries like this one; `:name` becomes the driver's `$1`, `$2` … in order of first
appearance, while casts (`::bigint`), strings, quoted names and comments are left alone:

    -- name: lines_of_customer
    -- The credit lines of one customer, oldest first.
    SELECT line_id, status
    FROM lending.credit_line
    WHERE customer_id = :customer_id
    ORDER BY line_id;

A list that is read to both sides of a key marks what turns with `/*turns*/`, right behind it:

    WHERE customer_id = :customer_id AND line_id > /*turns*/ :after
    ORDER BY line_id ASC /*turns*/
    LIMIT :page;

Invariant   Every name occurs once in its file, every query has a sentence and one statement, and a
            call gives exactly the parameters the query uses: anything else fails, the first two
            when the file is loaded, the last before the database is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Protocol, Self

_HEADER: Final = re.compile(r"^--[ \t]*name:[ \t]*(?P<name>.*?)[ \t]*$", re.MULTILINE)
#: A comparison or a direction that the other side of a key turns round.
_TURN: Final = re.compile(r"(?P<word>[<>]|\bASC|\bDESC)(?P<mark>\s*/\*turns\*/)")
_TURNED: Final = {"<": ">", ">": "<", "ASC": "DESC", "DESC": "ASC"}
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN: Final = re.compile(
    r"""
      (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<verbatim>
          [eE]'(?:[^'\\]|\\.|'')*'        # a string with escapes
        | '(?:[^']|'')*'                  # a string
        | "(?:[^"]|"")*"                  # a quoted name
        | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ # a dollar-quoted string
        | ::                              # a cast
        | [A-Za-z_]\w*                    # a word, so that e'…' starts only where a word does
      )
    | (?P<positional>\$\d+)
    | :(?P<parameter>[a-z][a-z0-9_]*)
    | (?P<open>'|"|/\*|\$\w*\$)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


class QueryError(Exception):
    """A file of named queries is malformed, or a query was called with the wrong parameters."""


class Row(Protocol):
    """A row, by column name."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the column's value."""
        ...

    def keys(self) -> Any:
        """Return the names of the columns, so that `dict(row)` works."""
        ...


class Runner(Protocol):
    """What a query needs of a connection."""

    async def fetch(self, query: str, *args: object) -> list[Any]:
        """Return all rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Any:
        """Return the first row or None."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first column of the first row or None."""
        ...

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return the command tag."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One statement with its parameters in the driver's order."""

    name: str
    #: The statement as the driver takes it.
    sql: str
    #: Names of `$1`, `$2` …
    parameters: tuple[str, ...]
    #: The statement that reads to the other side of the key; empty where nothing is marked.
    sql_back: str = ""

    def arguments(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values in the driver's order; a missing or an unused name fails."""
        try:
            ordered = tuple([values[name] for name in self.parameters])
        except KeyError as missing:
            raise QueryError(f"query {self.name} needs the parameter {missing}") from None
        if len(ordered) != len(values):
            unused = ", ".join(sorted(set(values) - set(self.parameters)))
            raise QueryError(f"query {self.name} does not use: {unused}")
        return ordered

    async def fetch(self, connection: Runner, **values: object) -> list[Row]:
        """Return all rows."""
        return await connection.fetch(self.sql, *self.arguments(values))

    async def page(self, connection: Runner, *, is_back: bool, **values: object) -> list[Row]:
        """Return the rows behind a key, or those before it, in the order of the list either way."""
        if not is_back:
            return await self.fetch(connection, **values)
        if not self.sql_back:
            raise QueryError(f"query {self.name} marks nothing that turns")
        rows = await connection.fetch(self.sql_back, *self.arguments(values))
        rows.reverse()
        return rows

    async def fetchrow(self, connection: Runner, **values: object) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = await connection.fetchrow(self.sql, *self.arguments(values))
        return row

    async def fetchval(self, connection: Runner, **values: object) -> Any:
        """Return the first column of the first row, or None."""
        return await connection.fetchval(self.sql, *self.arguments(values))

    async def execute(self, connection: Runner, **values: object) -> int:
        """Run a statement and return how many rows it wrote."""
        tag = await connection.execute(self.sql, *self.arguments(values))
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


class Queries:
    """The named queries of one file, each also an attribute: `queries.lines_of_customer`."""

    __slots__ = ("_queries", "source")

    def __init__(self, source: str, queries: Mapping[str, Query]) -> None:
        """Take the file's name, for messages, and its queries."""
        self.source = source
        self._queries = dict(queries)

    @classmethod
    def load(cls, package: str, file: str = "store.sql") -> Self:
        """Read a file of a package, usually the one that stands beside its `store.py`."""
        text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
        return cls.parse(text, source=f"{package}/{file}")

    @classmethod
    def parse(cls, text: str, *, source: str = "queries") -> Self:
        """Read named queries from a text."""
        headers = list(_HEADER.finditer(text))
        _check_preamble(text[: headers[0].start()] if headers else text, source)
        queries: dict[str, Query] = {}
        ends = [header.start() for header in headers[1:]] + [len(text)]
        for header, end in zip(headers, ends, strict=True):
            name = header["name"]
            if not _NAME.fullmatch(name):
                raise QueryError(f"{source}: {name!r} is not a name for a query")
            if name in queries:
                raise QueryError(f"{source}: the name {name} occurs twice")
            queries[name] = _query(name, text[header.end() : end], source)
        return cls(source, queries)

    def __getattr__(self, name: str) -> Query:
        """Return the query of that name."""
        query = self._queries.get(name)
        if query is None:
            raise AttributeError(f"{self.source} has no query named {name}")
        return query

    def __getitem__(self, name: str) -> Query:
        """Return the query of that name."""
        query = self._queries.get(name)
        if query is None:
            raise QueryError(f"{self.source} has no query named {name}")
        return query

    def names(self) -> tuple[str, ...]:
        """Return the names in the order of the file."""
        return tuple(self._queries)

    async def fetch(self, connection: Runner, name: str, /, **values: object) -> list[Row]:
        """Run a query by name and return all rows."""
        return await self[name].fetch(connection, **values)

    async def fetchrow(self, connection: Runner, name: str, /, **values: object) -> Row | None:
        """Run a query by name and return the first row, or None."""
        return await self[name].fetchrow(connection, **values)

    async def fetchval(self, connection: Runner, name: str, /, **values: object) -> Any:
        """Run a query by name and return the first column of the first row, or None."""
        return await self[name].fetchval(connection, **values)

    async def execute(self, connection: Runner, name: str, /, **values: object) -> int:
        """Run a query by name and return how many rows it wrote."""
        return await self[name].execute(connection, **values)


def _check_preamble(text: str, source: str) -> None:
    if _TOKEN.sub(_without_comment, text).strip():
        raise QueryError(f"{source}: text before the first `-- name:`")


def _without_comment(token: re.Match[str]) -> str:
    return "" if token["comment"] else token[0]


def _query(name: str, body: str, source: str) -> Query:
    """Translate one query; its leading comment is its sentence and must be there."""
    if not re.match(r"\s*--[ \t]*\w", body):
        raise QueryError(f"{source}: query {name} has no sentence that says what it gives")
    statement, parameters = _statement(name, body, source)
    back, count = _TURN.subn(lambda found: _TURNED[found["word"]] + found["mark"], body)
    sql_back = _statement(name, back, source)[0] if count else ""
    return Query(name=name, sql=statement, parameters=parameters, sql_back=sql_back)


def _statement(name: str, body: str, source: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement as the driver takes it, and its parameters in the driver's order."""
    numbers: dict[str, int] = {}
    written: list[str] = []
    position = 0
    for token in _TOKEN.finditer(body):
        written.append(body[position : token.start()])
        written.append(_translated(token, numbers, f"{source}: query {name}"))
        position = token.end()
    statement = "".join([*written, body[position:]]).strip().removesuffix(_END).strip()
    if not statement:
        raise QueryError(f"{source}: query {name} is empty")
    if _END in statement:
        raise QueryError(f"{source}: query {name} has more than one statement")
    return _tidied(statement), tuple(numbers)


#: Stands for a semicolon of the statement itself, not of a string, while a query is translated.
_END: Final = "\x00"


def _translated(token: re.Match[str], numbers: dict[str, int], where: str) -> str:
    if token["comment"]:
        return ""
    if token["end"]:
        return _END
    if token["positional"]:
        raise QueryError(f"{where} uses {token[0]}; parameters have names here")
    if token["open"]:
        raise QueryError(f"{where} leaves {token[0]} open")
    if parameter := token["parameter"]:
        return f"${numbers.setdefault(parameter, len(numbers) + 1)}"
    return token[0]


def _tidied(statement: str) -> str:
    """Drop the lines that only held a comment."""
    return "\n".join(line.rstrip() for line in statement.splitlines() if line.strip())
