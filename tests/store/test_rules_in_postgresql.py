"""A rule is SQL: PostgreSQL itself, given the same text, gives the same three verdicts."""

import random

from counterfoil.decisioning.document import BASE_POLICY, load_policy
from counterfoil.decisioning.evaluate import Verdict, verdict_function
from counterfoil.decisioning.expression import Value, to_sql
from counterfoil.decisioning.feature import Feature
from counterfoil.decisioning.rule_text import parse_rule
from counterfoil.decisioning.rule_types import ValueType
from counterfoil.platform.database import Database

CASES_COUNT = 400
COLUMN = {ValueType.INTEGER: "bigint", ValueType.TEXT: "text", ValueType.BOOLEAN: "boolean"}
VERDICTS = {True: Verdict.TRUE, False: Verdict.FALSE, None: Verdict.UNKNOWN}

#: Forms that the base policy does not use.
FURTHER = [
    "NOT (delay_months_latest > 2 OR is_student)",
    "lenders_count NOT IN (1, 2, 3)",
    "purpose NOT IN ('travel', 'it''s')",
    "NOT (age_years BETWEEN lenders_count AND 60)",
    "age_years + 2 * lenders_count - delay_months_max >= 30 AND NOT is_student",
    "is_student = (age_years < 25)",
    "is_student IS NOT NULL AND (purpose IS NULL OR purpose <> 'travel')",
    "CASE WHEN is_student THEN age_years < 25 WHEN lenders_count > 3 THEN is_student END",
    "COALESCE(income_monthly_minor, debt_monthly_minor, 0) > 1000",
    "LEAST(age_years, lenders_count) < GREATEST(delay_months_max, 3)",
    "ABS(age_years - lenders_count) > 20",
    "debt_monthly_minor / NULLIF(income_monthly_minor, 0) >= 1",
    "NULLIF(purpose, 'travel') IS NULL",
    "age_years IS DISTINCT FROM lenders_count",
    "is_student IS NOT DISTINCT FROM (age_years > 30)",
]


def value_of(feature: Feature, chance: random.Random) -> Value | None:
    if chance.random() < 0.2:
        return None
    if feature.type is ValueType.BOOLEAN:
        return chance.random() < 0.5
    if feature.type is ValueType.TEXT:
        return chance.choice(feature.values)
    # Most borders of the rules lie low in the range.
    top = chance.choice((8, 70, 1_000_000, feature.highest))
    return chance.randint(feature.lowest, min(feature.highest, top))


async def test_both_give_the_same_verdicts(database: Database) -> None:
    policy = load_policy(BASE_POLICY)
    chance = random.Random(20260105)
    cases = [
        {feature.name: value_of(feature, chance) for feature in policy.features}
        for _ in range(CASES_COUNT)
    ]
    columns = ", ".join(f"{item.name} {COLUMN[item.type]}" for item in policy.features)
    rules = [rule.when for rule in policy.rules] + [parse_rule(text) for text in FURTHER]
    asked = ", ".join(f"({to_sql(rule)})" for rule in rules)
    async with database.transaction() as connection:
        await connection.execute(f"CREATE TEMP TABLE a_case (case_no int, {columns})")
        places = ", ".join(f"${number + 2}" for number in range(len(policy.features)))
        for number, case in enumerate(cases):
            await connection.execute(
                f"INSERT INTO a_case VALUES ($1, {places})", number, *case.values()
            )
        rows = await connection.fetch(f"SELECT {asked} FROM a_case ORDER BY case_no")
    ours = [[verdict_function(rule)(case) for rule in rules] for case in cases]
    assert ours == [[VERDICTS[value] for value in tuple(row)] for row in rows]
    # The cases are worth something: every verdict occurs for most rules.
    for place, rule in enumerate(rules):
        seen = {row[place] for row in ours}
        assert len(seen) >= 2, to_sql(rule)
