"""Writes the references that follow from the code: settings and commands.

`python tools/reference.py` writes them, `--check` only tells which are out of date.
"""

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from counterfoil.cli.main import app
from counterfoil.platform.settings import Settings

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
HIDDEN = {"help", "install_completion", "show_completion"}


def settings() -> str:
    """Return the page about settings."""
    lines = [
        "# Settings",
        "",
        "Read from the environment, or from a file `.env` in the working directory.",
        "",
        "| variable | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "not set" if field.default is None else f"`{field.default}`"
        lines.append(f"| `COUNTERFOIL_{name.upper()}` | {default} | {field.description} |")
    return "\n".join([*lines, ""])


def commands() -> str:
    """Return the page about the command line: each command with its help."""
    lines = ["# Commands", "", "`counterfoil COMMAND --help` prints the same."]
    _describe(get_command(app), "counterfoil", None, lines)
    return "\n".join([*lines, ""])


def _describe(command: Any, name: str, parent: Any, lines: list[str]) -> None:
    """Add a command and those below it; typer's own classes, which it does not publish."""
    context = command.context_class(command, info_name=name, parent=parent)
    lines += ["", f"## `{context.command_path}`", "", " ".join((command.help or "").split()), ""]
    rows = [
        (_usage(parameter), " ".join((parameter.help or "").split()))
        for parameter in command.get_params(context)
        if parameter.name not in HIDDEN
    ]
    if rows:
        lines += ["| argument or option | what it is |", "|---|---|"]
        lines += [f"| `{usage}` | {text} |" for usage, text in rows]
    for inner_name, inner in getattr(command, "commands", {}).items():
        _describe(inner, inner_name, context, lines)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    flags = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return flags if parameter.is_flag else f"{flags} VALUE"


PAGES = {"settings.md": settings, "cli.md": commands}


def main() -> int:
    """Write or check the pages; return how many were out of date."""
    stale = 0
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        path, text = REFERENCE / name, write()
        if not path.exists() or path.read_text() != text:
            stale += 1
            if "--check" in sys.argv:
                print(f"{path.relative_to(ROOT)} is out of date: make docs")
            else:
                path.write_text(text)
    return stale if "--check" in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())
