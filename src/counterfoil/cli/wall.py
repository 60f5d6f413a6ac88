"""The command line's door: each command says for what it reads, and what people type is looked at.

Numbers of identity and telephone are hidden, and aliases become the records' own numbers, before a
command sees them; a command for which `platform/read_acts.toml` does not say for what it reads does
not run.
"""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from typer.core import TyperGroup

from counterfoil.cli import output, veil
from counterfoil.kernel.errors import RefusedError, refuse
from counterfoil.privacy.free_text import FIELDS
from counterfoil.privacy.masking import mask_free_text

#: Commands on files alone: they run where there is no house, and load nothing of one.
_ON_FILES: Final = "verify"


class WalledGroup(TyperGroup):
    """A group whose commands, at any depth, are given free text without numbers of persons."""

    def __init__(self, **given: Any) -> None:
        """Take the commands and put the wall in front of each."""
        super().__init__(**given)
        _wall(self, ())

    def main(self, args: Sequence[str] | None = None, *more: Any, **given: Any) -> Any:
        """Run the command that is named; an alias that nobody's key made ends it at once."""
        try:
            taken = veil.take_in(sys.argv[1:] if args is None else args)
        except RefusedError as failure:
            sys.exit(output.fail(output.words_of(failure.refused)).exit_code)
        return super().main(taken, *more, **given)


def _wall(command: Any, words: tuple[str, ...]) -> None:
    for parameter in command.params:
        if parameter.name in FIELDS and parameter.callback is None:
            parameter.callback = _without_numbers
    children = getattr(command, "commands", None)
    if children is None:
        command.callback = _declared(" ".join(words), command.callback)
        return
    for name, child in children.items():
        _wall(child, (*words, name))


def _declared(words: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that says for what it reads, or does nothing."""

    @wraps(run)
    def begun(*given: Any, **named: Any) -> Any:
        if words.partition(" ")[0] == _ON_FILES:
            return run(*given, **named)
        from counterfoil.platform.holdings import ACT_NOT_DECLARED
        from counterfoil.platform.read_acts import Door, begin_reading

        if begin_reading(Door.COMMANDS, words) is None:
            refused = refuse(ACT_NOT_DECLARED, act=words)
            raise output.fail(f"{refused.message} {refused.next_step} ({refused.code})")
        return run(*given, **named)

    return begun


def _without_numbers(_context: object, _parameter: object, value: object) -> object:
    if isinstance(value, list):
        return [mask_free_text(text) if isinstance(text, str) else text for text in value]
    return mask_free_text(value) if isinstance(value, str) else value
