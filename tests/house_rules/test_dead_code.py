"""Nothing stands in the product that the product does not use; a test alone keeps nothing alive."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.house_rules.sources import Source, allowed_at, product
from vulture import Vulture

#: Called by a framework, not by us.
FRAMEWORK_DECORATORS = [
    *("@app.*", "@router.*", "@*.command", "@*.callback", "@*.get", "@*.post", "@*.put"),
    *("@*.delete", "@*.patch", "@*.exception_handler", "@*.middleware", "@*.route"),
    *("@field_validator", "@model_validator", "@field_serializer", "@computed_field"),
    *("@pass_context", "@pass_eval_context", "@override"),
]
#: Fields and constants speak of the world even where nobody reads them yet; code does not.
CODE = {"function", "method", "property", "class"}
#: Vulture's certainty that an import, a variable or a branch is never used.
CERTAIN = 80


def dead(sources: Iterable[Source]) -> list[str]:
    """Return what nobody uses; names in templates and in other text count as uses."""
    everything = list(sources)
    python = [source for source in everything if source.is_python]
    vulture = Vulture(
        ignore_decorators=FRAMEWORK_DECORATORS, ignore_names=["visit_*", "do_*", "__*__"]
    )
    for source in python:
        vulture.scan(source.text, filename=Path(source.path))
    mentioned = {
        word
        for source in everything
        if source.path.endswith((".html", ".xml", ".svg"))
        for word in re.findall(r"\w+", source.text)
    }
    by_path = {source.path: source for source in python}
    return [
        f"{item.filename}:{item.first_lineno}: unused {item.typ} {item.name}"
        for item in vulture.get_unused_code(min_confidence=60)
        if (item.typ in CODE or item.confidence >= CERTAIN)
        and item.name not in mentioned
        and "dead-code" not in allowed_at(by_path[str(item.filename)], item.first_lineno)
    ]


def test_nothing_in_the_product_is_dead() -> None:
    assert dead(product()) == []


def test_a_planted_function_is_found_unless_it_is_used_or_allowed() -> None:
    path = "src/counterfoil/lending/loan.py"
    text = "def forgotten() -> int:\n    return 1\n"
    assert dead([Source(path, text)]) == [f"{path}:1: unused function forgotten"]
    assert dead([Source(path, text), Source("src/x.html", "{{ forgotten() }}")]) == []
    assert dead([Source(path, text + "print(forgotten())\n")]) == []
    assert dead([Source(path, "# house: allow dead-code – a reason\n" + text)]) == []


def test_a_planted_unused_import_is_found() -> None:
    assert dead([Source("src/counterfoil/lending/loan.py", "import os\n")])
