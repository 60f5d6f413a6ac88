"""The command line's door for what people type: numbers are hidden before a command sees them."""

from typing import Any

from typer.core import TyperGroup

from counterfoil.privacy.free_text import FIELDS
from counterfoil.privacy.masking import mask_free_text


class WalledGroup(TyperGroup):
    """A group whose commands, at any depth, are given free text without numbers of persons."""

    def __init__(self, **given: Any) -> None:
        """Take the commands and put the wall in front of each."""
        super().__init__(**given)
        _wall(self)


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
