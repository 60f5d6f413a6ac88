"""The command line's door for what people type, before a command sees it.

Numbers of identity and telephone are hidden, and aliases become the records' own numbers.
"""

import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

from counterfoil.cli import output, veil
from counterfoil.kernel.errors import RefusedError
from counterfoil.privacy.free_text import FIELDS
from counterfoil.privacy.masking import mask_free_text


class WalledGroup(TyperGroup):
    """A group whose commands, at any depth, are given free text without numbers of persons."""

    def __init__(self, **given: Any) -> None:
        """Take the commands and put the wall in front of each."""
        super().__init__(**given)
        _wall(self)

    def main(self, args: Sequence[str] | None = None, *more: Any, **given: Any) -> Any:
        """Run the command that is named; an alias that nobody's key made ends it at once."""
        try:
            taken = veil.take_in(sys.argv[1:] if args is None else args)
        except RefusedError as failure:
            sys.exit(output.fail(output.words_of(failure.refused)).exit_code)
        return super().main(taken, *more, **given)


def _wall(command: Any) -> None:
    for parameter in command.params:
        if parameter.name in FIELDS and parameter.callback is None:
            parameter.callback = _without_numbers
    for child in getattr(command, "commands", {}).values():
        _wall(child)


def _without_numbers(_context: object, _parameter: object, value: object) -> object:
    if isinstance(value, list):
        return [mask_free_text(text) if isinstance(text, str) else text for text in value]
    return mask_free_text(value) if isinstance(value, str) else value
