"""The generated references are those of the present code."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_settings_and_commands_are_documented_as_they_are() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stdout, checked.returncode) == ("", 0), checked.stderr
