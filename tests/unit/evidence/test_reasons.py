"""The guide for those who verify names every reason, and the keys and sizes that it shows hold."""

import re
from pathlib import Path

from tests.unit.evidence.logs_for_tests import log_key, receipted

from counterfoil.evidence.formats.reasons import Reason

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "verify.md").read_text()


def test_the_guide_names_every_reason_and_no_other() -> None:
    chapter = GUIDE[GUIDE.index("## 5. Reasons") :]
    assert set(re.findall(r"`([a-z0-9_]+)`", chapter)) == {reason.value for reason in Reason}


def test_the_guides_example_is_the_head_of_a_receipt() -> None:
    opening = bytes(receipted()).decode().split("\n")[:3]
    assert "\n".join(opening) in GUIDE
    assert log_key().verifier.text.split("+")[1] in GUIDE
