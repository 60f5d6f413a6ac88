"""Derive policy cards-2026-01 and its model from the first 20,000 recorded card clients.

    .venv/bin/python tools/derive_cards_policy.py src/counterfoil/decisioning/policies

Data        Default of Credit Card Clients, I-Cheng Yeh, UCI Machine Learning Repository (2009),
            doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged.
Model       What `counterfoil model train` makes of the files of `counterfoil model example`: a
            boosted scorecard. Sex, marriage, education and age are no features.
Policy      That of base-2026-04 with the model in place of its points card. The grades' upper
            ends are such that of those clients as many fall into each grade as did before, rounded
            up to 1,000 ppm; rules, limits and prices are the same, but for people without a
            record, whom the model never saw. What is better or worse of those who have one then
            comes of the model alone.
Judged      On the other 10,000, which nothing here reads: `counterfoil demo` shows it.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from counterfoil.cli.policy_source import PRODUCT, question
from counterfoil.decisioning.compile_polars import decided
from counterfoil.decisioning.document import load_policy, read_policy
from counterfoil.decisioning.policy import Policy
from counterfoil.models.artefact import Artefact, read_artefact, write_artefact
from counterfoil.simulator.card_clients import FIRST
from counterfoil.simulator.model_example import cases_of, clients_of, outcomes_of, recipe

BEFORE = "base-2026-04"
NAME = "cards-2026-01"
#: Nothing in the policy hangs on the date.
ON = "2026-03-01"
PPM_STEP = 1_000
PPM_ONE = 1_000_000

HEAD = """\
# As base-2026-04, with a model in place of its points card: the same segments, rules, limits and
# prices, but for people without a record, of whom the model knows nothing: they come before the
# other kinds, and the last grade has a row for them. Of the clients that the model learned from, as
# many fall into each grade as did under base-2026-04. Derived by tools/derive_cards_policy.py.
#
# Amounts are minor units of the currency, shares are ppm, rates 1e-8 a day (0.035 % is 35_000).
# The model was learned from the first 20,000 of "Default of Credit Card Clients", I-Cheng Yeh, UCI
# Machine Learning Repository (2009), doi:10.24432/C55S3H, CC BY 4.0; format changed, values
# unchanged. That book was stressed: an example, and not for lending to real people.

"""
#: The segment of people with little on record, where it stood, and as it is put before the others.
THIN = """\
# The starter path: a small limit that grows with repayment on time.
[[segments]]
code = "thin_file"
name_en = "Thin file"
name_zh = "信用白户"
when = "history_months < 6"
cap_minor = 500_000
reason = "LIMIT_THIN"
protections = ["starter_path"]

"""
THIN_FIRST = THIN.replace(
    "# The starter path: a small limit that grows with repayment on time.",
    "# Of people without a record the model says nothing: it never saw one. Whatever else they\n"
    "# are, they begin on the starter path, with every protection; so they would by R13.",
).replace('["starter_path"]', '["call_back", "plain_flow", "starter_path"]')
NEXT_SEGMENT = """\
[[segments]]
code = "elderly"
"""
#: The rule about owners, who may now be in two segments.
OWNERS = """\
segments = ["micro_owner"]
when = "purpose = 'other'"
action = "refer"
on_unknown = "refer"
"""
OWNERS_ALL = """\
when = "COALESCE(is_micro_owner, FALSE) AND purpose = 'other'"
action = "refer"
on_unknown = "refer"
"""
#: The last grade as it was, and as it is by a model that saw nobody without a record.
LAST_BEFORE = """\
# The price stands for completeness; the grade's limit of 0 declines.
[[grades]]
code = "E"
points_min = 0
rate_daily_e8 = 50_000
tenor_months_max = 6

[grades.limits_minor]
student = 0
elderly = 0
young_adult = 0
scene = 0
micro_owner = 0
rural = 0
thin_file = 0
first_time = 0
recorded = 0
file_unknown = 0
"""
LAST = """\
# A limit of 0 declines. People without a record have the smallest line at the price of D, as they
# did by the points card, and grow from there; the rules hold for them as for everybody.
[[grades]]
code = "E"
points_min = 0
rate_daily_e8 = 50_000
tenor_months_max = 6

[grades.limits_minor]
student = 0
elderly = 0
young_adult = 0
scene = 0
micro_owner = 0
rural = 0
thin_file = 300_000
first_time = 0
recorded = 0
file_unknown = 300_000

[grades.rates_daily_e8]
student = 50_000
elderly = 50_000
young_adult = 50_000
scene = 50_000
micro_owner = 50_000
rural = 50_000
thin_file = 43_000
first_time = 50_000
recorded = 50_000
file_unknown = 43_000
"""
#: The test that a rule is true, by somebody who has no record; and by one who has one.
TRUE_BEFORE = "given = { age_years = 60, history_months = 5 }"
TRUE = "given = { age_years = 60, history_months = 24, own_lines_count = 0 }"
#: What is exchanged, each once.
CHANGES = (
    (TRUE_BEFORE, TRUE),
    (THIN, ""),
    (NEXT_SEGMENT, THIN_FIRST + NEXT_SEGMENT),
    (OWNERS, OWNERS_ALL),
    (LAST_BEFORE, LAST),
)


def derive() -> tuple[Artefact, str]:
    """Return the model and the policy's text."""
    artefact = learn()
    content = write_artefact(artefact)
    text = policy_text(artefact, (PPM_ONE // 5 * n for n in range(1, 6)))
    rough = read_policy(text, find_model=lambda _: content)
    return artefact, policy_text(artefact, ends_as_before(rough))


def learn() -> Artefact:
    """Return the model that the command trains on the first clients."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes_of(clients_of(FIRST)).write_csv(f"{folder}/train.csv")
        (Path(folder) / "recipe.toml").write_bytes(recipe())
        command = [sys.executable, "-m", "counterfoil.cli", "model", "train", "recipe.toml"]
        options = ["--data", "train.csv", "--out", "model.json"]
        subprocess.run([*command, *options], cwd=folder, check=True)
        return read_artefact((Path(folder) / "model.json").read_bytes())


def ends_as_before(rough: Policy) -> list[int]:
    """Return ends of the grades, ppm, under which the first clients fall as they did before."""
    asked = question(PRODUCT, ON, rough.currency)
    frame = cases_of(clients_of(FIRST), rough.features).lazy()
    before, after = (
        decided(policy, frame, asked).filter("is_scored").collect()
        for policy in (load_policy(BEFORE), rough)
    )
    counts = dict(before.group_by("grade").len().iter_rows())
    risks = after["pd_ppm"].sort().to_list()
    ends, place = [], 0
    for grade in sorted(counts)[:-1]:
        place += counts[grade]
        ends.append(-(-risks[place - 1] // PPM_STEP) * PPM_STEP)
    return [*ends, PPM_ONE]


def policy_text(artefact: Artefact, ends: Iterable[int]) -> str:
    """Return the policy with the model and these ends of the grades."""
    shipped = resources.files("counterfoil.decisioning").joinpath("policies", f"{BEFORE}.toml")
    text = shipped.read_text(encoding="utf-8")
    code, _, version = NAME.partition("-")
    text = re.sub(
        r'^code = "base"\nversion = ".*"$',
        f'code = "{code}"\nversion = "{version}"',
        text[text.index('code = "base"') :],
        count=1,
        flags=re.MULTILINE,
    )
    model = f'[model]\nfile = "{NAME}.json"\nsha256 = "{artefact.sha256}"\n\n'
    card = text.index("[scorecard]")
    text = HEAD + text[:card] + model + text[text.index("# ---", card) :]
    for before, after in CHANGES:
        assert text.count(before) == 1, f"stands there once: {before}"
        text = text.replace(before, after)
    left = iter(ends)
    return re.sub(r"points_min = \d+", lambda _: f"pd_ppm_max = {next(left):_}", text)


def main() -> None:
    """Write both files into the folder that is named."""
    artefact, text = derive()
    folder = Path(sys.argv[1])
    (folder / f"{NAME}.json").write_bytes(write_artefact(artefact))
    (folder / f"{NAME}.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
