"""Lists the longest functions and files; nothing fails, they ask for a second look."""

import ast
from pathlib import Path

SHOWN = 15
SOURCES = Path(__file__).parents[1] / "src"


def functions(file: Path) -> list[tuple[int, str]]:
    """Return the length and place of every function of a file."""
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{file}:{node.lineno} {node.name}")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def main() -> None:
    """Print both lists."""
    files = sorted(SOURCES.rglob("*.py"))
    lengths = [(len(file.read_text().splitlines()), str(file)) for file in files]
    for title, found in (
        ("functions", [pair for file in files for pair in functions(file)]),
        ("files", lengths),
    ):
        print(f"longest {title}")
        for length, name in sorted(found, reverse=True)[:SHOWN]:
            print(f"{length:6} {name.removeprefix(str(SOURCES) + '/')}")


if __name__ == "__main__":
    main()
