"""The house rules about single files, each a small function from a file to lines and words."""

import ast
import re
from collections.abc import Iterator

from tests.house_rules.sources import Rule, Source

Found = Iterator[tuple[int, str]]

#: Entry points read the clock and draw seeds; nothing below them does.
ENTRY_POINTS = frozenset({"cli", "api", "console", "portal", "worker", "simulator"})
EXACT_ROOMS = frozenset({"kernel", "lending", "ledger"})
CONTEXTS = frozenset(
    {
        *("customers", "consents", "bureau", "contracts", "decisioning", "lending", "payments"),
        *(
            "features",
            "funding",
            "monitoring",
            "collections",
            "portfolio",
            "compliance",
            "models",
            "hosts",
        ),
        *("ledger", "evidence", "privacy"),
    }
)
BANNED_NAMES = frozenset({"utils", "util", "common", "base", "manager", "misc", "helpers"})


def is_product_python(source: Source) -> bool:
    return source.is_python and source.path.startswith("src/counterfoil/")


def is_text(_: Source) -> bool:
    return True


def is_python(source: Source) -> bool:
    return source.is_python


def docstrings(source: Source) -> Found:
    """Every module says what it is, in the field's terms."""
    if not (ast.get_docstring(source.tree) or "").strip():
        yield 1, "the module has no docstring"


def module_names(source: Source) -> Found:
    """A module is named for what it knows."""
    for part in source.path.removesuffix(".py").split("/"):
        if part in BANNED_NAMES:
            yield 1, f"{part} says nothing about what is in it"


_SQL = re.compile(
    r"""^\s*(?:
        SELECT\s | INSERT\s+INTO\s | UPDATE\s+\S+(?:\s+AS\s+\S+)?\s+SET\s | DELETE\s+FROM\s
      | WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\s
      | (?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:TABLE|INDEX|VIEW|SCHEMA|FUNCTION|TYPE
          |DATABASE|ROLE|TRIGGER|UNIQUE|MATERIALIZED|EXTENSION|SEQUENCE)\b
      | COPY\s+[\w.]+\s | TRUNCATE\s | LOCK\s+TABLE\s | NOTIFY\s | LISTEN\s+\w+\s*;?\s*$
      | BEGIN\s*;?\s*$ | COMMIT\s*;?\s*$ | ROLLBACK\b | SAVEPOINT\s | SET\s+LOCAL\s
      | VACUUM\b | ANALYZE\s+[\w.]+\s*;?\s*$
    )""",
    re.VERBOSE,
)


def sql_in_python(source: Source) -> Found:
    """SQL stands in `.sql` files."""
    documentation = set(_docstring_nodes(source.tree))
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) not in documentation and _SQL.match(node.value):
            yield node.lineno, f"SQL in a Python string: {node.value.strip()[:40]!r}"


def _docstring_nodes(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)


def floats(source: Source) -> Found:
    """Money, rates and days are integers and exact fractions."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "the type float"


_CLOCK_CALLS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {
        *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
        *("localtime", "gmtime"),
    },
}


def may_not_read_the_clock(source: Source) -> bool:
    return (
        is_product_python(source)
        and source.room not in ENTRY_POINTS
        and source.path != "src/counterfoil/kernel/clock.py"
    )


def clock(source: Source) -> Found:
    """Time is a parameter; only entry points and `kernel/clock.py` read it from the machine."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if node.attr in _CLOCK_CALLS.get(name, ()):
                yield node.lineno, f"{name}.{node.attr} reads the machine's clock"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            for alias in node.names:
                if alias.name in _CLOCK_CALLS["time"]:
                    yield node.lineno, f"time.{alias.name} reads the machine's clock"


def chance(source: Source) -> Found:
    """Chance is a parameter too: `random` is for the seeded world of the simulator."""
    for number, module in _imports(source.tree):
        if module == "random":
            yield number, "random without a seed that somebody chose"


def _imports(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


_OPEN_ENDS = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def open_ends(source: Source) -> Found:
    """What is open stands in the documents as a known limit."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := _OPEN_ENDS.search(line):
            yield number, f"{match[0]} does not land"


_MACHINE = re.compile(
    r"(?<![\w.-])/(?:work" + r"|root|opt/(?:pypi|wheels)|home/\w+)/"
    r"|\bpypi\." + r"org|pythonhosted\." + r"org|registry\.npmjs|--(?:extra-)?index-" + r"url\b"
    r"|^--find-" + "links",
    re.MULTILINE,
)


def machine_paths(source: Source) -> Found:
    """The repository knows neither the machine it was written on nor where packages come from."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := _MACHINE.search(line):
            yield number, f"{match[0]!r} belongs to a machine"


#: Fills the tables of all rooms with a workload, without going through the journeys it measures.
WORKLOAD = "src/counterfoil/simulator/bench/workload.sql"


def is_room_sql(source: Source) -> bool:
    return (
        source.path.endswith(".sql")
        and source.path != WORKLOAD
        and source.path.startswith("src/counterfoil/")
        and "/migrations/" not in source.path
    )


def own_schema(source: Source) -> Found:
    """A room's SQL touches its own schema and the views that others publish."""
    rooms = CONTEXTS | {"platform"}
    text = re.sub(r"--[^\n]*", "", source.text)
    for number, line in enumerate(text.splitlines(), start=1):
        for match in re.finditer(r"(?<![\w.:])(?P<schema>[a-z_]+)\.[a-z_]\w*", line):
            if match["schema"] in rooms - {source.room}:
                yield number, f"{match[0]} belongs to another room"


def is_room_python(source: Source) -> bool:
    return is_product_python(source) and source.room in CONTEXTS


def database_reach(source: Source) -> Found:
    """Inside a room only its store knows that there is a database."""
    if source.path.rsplit("/", 1)[1].removesuffix(".py").endswith("store"):
        return
    for number, module in _imports(source.tree):
        if module in {"counterfoil.platform.database", "counterfoil.platform.queries"}:
            yield number, f"{module} outside the room's store"


def is_page(source: Source) -> bool:
    return is_product_python(source) and source.room in {"console", "portal"}


def day_in_zone(source: Source) -> Found:
    """A page shows the day of an instant in the lender's zone, as it shows the instant."""
    for number, line in enumerate(source.text.splitlines(), start=1):
        if re.search(r"\.day(?:_prose)?\(.*\.date\(\)", line):
            yield number, "the day of an instant is day_of(instant)"


def is_migration(source: Source) -> bool:
    return source.path.startswith("src/counterfoil/platform/migrations/")


_BANNED_TYPES = re.compile(
    r"\b(?:float[48]?|real|double\s+precision|money|(?:small|big)?serial"
    r"|timestamp(?!tz|\s+with\s+time\s+zone))\b",
    re.IGNORECASE,
)


def migration_form(source: Source) -> Found:
    """A migration bounds its waiting, and uses no type that loses money or the zone."""
    if "lock_timeout" not in source.text and "transaction: none" not in source.text:
        yield 1, "the file sets no lock_timeout"
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := _BANNED_TYPES.search(line.split("--")[0]):
            yield number, f"the type {match[0]}"


RULES = (
    Rule("docstrings", is_python, docstrings),
    Rule("module-names", is_product_python, module_names),
    Rule("sql", is_product_python, sql_in_python),
    Rule("float", lambda s: is_product_python(s) and s.room in EXACT_ROOMS, floats),
    Rule("clock", may_not_read_the_clock, clock),
    Rule("chance", lambda s: is_product_python(s) and s.room not in ENTRY_POINTS, chance),
    Rule("open-ends", is_text, open_ends),
    Rule("machine-paths", is_text, machine_paths),
    Rule("own-schema", is_room_sql, own_schema),
    Rule("database-reach", is_room_python, database_reach),
    Rule("day-in-zone", is_page, day_in_zone),
    Rule("migration-form", is_migration, migration_form),
)
