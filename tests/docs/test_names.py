"""Commands, settings and metrics that documents name are there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from counterfoil.cli.main import app
from counterfoil.platform.metrics import Metrics
from counterfoil.platform.settings import Settings

ROOT = Path(__file__).parents[2]
#: Not the records of decisions: they say what was so on their day.
DOCUMENTS = [
    document
    for document in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    if document.parent.name != "decisions"
]
#: Variables that tests read, for whoever wants more of them.
OF_TESTS = {"COUNTERFOIL_KILL_CYCLES"}


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def commands() -> set[str]:
    """Return every command, those of groups with a blank between."""
    found = set()
    for name, command in getattr(get_command(app), "commands").items():  # noqa: B009 - a group has them
        found |= {name} | {f"{name} {inner}" for inner in getattr(command, "commands", {})}
    return found


COMMANDS = commands()
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


def code_of(document: Path) -> str:
    """Return what stands as code in a document."""
    text = document.read_text(encoding="utf-8")
    return "\n".join(
        [
            *re.findall(r"```(?:bash|console)\n(.*?)```", text, re.DOTALL),
            *re.findall(r"`([^`\n]+)`", text),
        ]
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_exist(document: Path) -> None:
    named = re.findall(
        r"(?<![\w./-])counterfoil ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", code_of(document)
    )
    strange = {
        f"{name} {inner}".strip()
        for name, inner in named
        if name not in COMMANDS or (name in GROUPS and inner and f"{name} {inner}" not in COMMANDS)
    }
    assert strange == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_settings_exist(document: Path) -> None:
    known = {f"COUNTERFOIL_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"COUNTERFOIL_[A-Z0-9_]+[A-Z0-9]", code_of(document)))
    assert named - known - OF_TESTS == set()


def test_metrics_exist() -> None:
    content, _ = Metrics.create().exposition()
    page = ROOT / "docs" / "operating" / "install.md"
    named = set(re.findall(r"`(counterfoil_[a-z_]+)", page.read_text(encoding="utf-8")))
    assert len(named) >= 4
    assert [name for name in named if f"# HELP {name}" not in content.decode()] == []
