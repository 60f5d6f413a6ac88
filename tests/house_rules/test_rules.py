"""The rules hold on the repository, and each of them can fail."""

import pytest
from tests.house_rules.rules import RULES
from tests.house_rules.sources import ALLOWANCE, Rule, Source, product, tracked

BY_NAME = {rule.name: rule for rule in RULES}
NAMES = tuple(BY_NAME)
LENDING = "src/counterfoil/lending/interest.py"
MIGRATION = "src/counterfoil/platform/migrations/0099_pre_lending_x.sql"

#: A rule, where it looks, what breaks it and what does not.
PLANTED = [
    ("docstrings", LENDING, "RATE = 1\n", '"""Daily interest."""\n'),
    ("docstrings", "tests/unit/test_x.py", "", '"""A test."""\n'),
    ("module-names", "src/counterfoil/lending/utils.py", "", None),
    ("module-names", "src/counterfoil/common/money.py", "", None),
    ("sql", LENDING, 'Q = "SELECT a FROM b"\n', 'Q = "Select an offer from these."\n'),
    ("sql", LENDING, 'Q = f"""\n  INSERT INTO {t} (a)"""\n', 'Q = "INSERTED"\n'),
    ("sql", LENDING, 'x("UPDATE a.b SET c = 1")\n', '"""UPDATE a SET b."""\n'),
    ("sql", LENDING, 'x("COMMIT")\n', 'x("COMMITTED")\n'),
    ("float", LENDING, "RATE = 0.05\n", "RATE = 5\n"),
    ("float", LENDING, "def f(rate: float) -> int: ...\n", "def f(rate: int) -> int: ...\n"),
    ("float", "src/counterfoil/ledger/chart.py", "x = float('1')\n", "x = int('1')\n"),
    ("clock", LENDING, "import time\nt = time.monotonic()\n", "import time\ntime.sleep(1)\n"),
    ("clock", LENDING, "n = datetime.datetime.now(UTC)\n", "n = clock.now()\n"),
    ("clock", LENDING, "from time import time_ns\n", "from time import sleep\n"),
    ("chance", LENDING, "import random\n", "import secrets\n"),
    ("open-ends", "docs/x.md", "TO" + "DO: later\n", "What is to do.\n"),
    ("open-ends", LENDING, "# FIX" + "ME\n", "# Fixed.\n"),
    ("machine-paths", "Makefile", "cd /wo" + "rk/main\n", "cd docs/work/main\n"),
    ("machine-paths", "requirements/x.txt", "--index-" + "url x\n", "a==1 --hash=sha256:00\n"),
    ("machine-paths", "README.md", "https://pypi." + "org/simple\n", "https://example.org\n"),
    (
        "own-schema",
        "src/counterfoil/lending/store.sql",
        "SELECT a FROM ledger.journal",
        "SELECT l.a FROM lending.loan AS l JOIN reporting.book AS b ON true -- ledger.journal",
    ),
    (
        "database-reach",
        LENDING,
        "from counterfoil.platform.database import Database\n",
        "from counterfoil.kernel.money import Money\n",
    ),
    (
        "day-in-zone",
        "src/counterfoil/portal/pages/x.py",
        "x = f.day(at.date())\n",
        "x = f.day_of(at)\n",
    ),
    ("migration-form", MIGRATION, "CREATE TABLE lending.x (a int);", "SET lock_timeout = '3s';"),
    (
        "migration-form",
        MIGRATION,
        "SET lock_timeout = 1; CREATE TABLE x (a timestamp);",
        "SET lock_timeout = 1; CREATE TABLE x (a timestamptz);",
    ),
    (
        "migration-form",
        MIGRATION,
        "SET lock_timeout = 1; CREATE TABLE x (a double precision);",
        "SET lock_timeout = 1; CREATE TABLE x (amount_minor bigint); -- no float",
    ),
]


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_the_repository_keeps(rule: Rule) -> None:
    assert [str(violation) for violation in rule.violations(tracked())] == []


@pytest.mark.parametrize(("name", "path", "bad", "good"), PLANTED)
def test_a_planted_violation_is_found_and_its_neighbour_is_not(
    name: str, path: str, bad: str, good: str | None
) -> None:
    rule = BY_NAME[name]
    assert rule.violations([Source(path, bad)])
    if good is not None:
        assert rule.violations([Source(path, good)]) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {name for name, *_ in PLANTED} == set(NAMES)


def test_an_allowance_holds_for_its_rule_and_its_line_only() -> None:
    rule = BY_NAME["float"]
    allowed = "x = 0.5  # house: allow float – a pixel\n"
    above = "# house: allow float – a pixel\nx = 0.5\n"
    other = "x = 0.5  # house: allow clock – a pixel\n"
    assert rule.violations([Source(LENDING, allowed)]) == []
    assert rule.violations([Source(LENDING, above)]) == []
    assert rule.violations([Source(LENDING, other)])
    assert rule.violations([Source(LENDING, allowed + "\ny = 0.5\n")])
    assert rule.violations([Source(LENDING, "x = 0.5  # house: allow float\n")])


def test_allowances_name_rules_that_exist() -> None:
    named = {match["rule"] for source in product() for match in ALLOWANCE.finditer(source.text)}
    assert named <= {*NAMES, "named-queries", "dead-code"}
