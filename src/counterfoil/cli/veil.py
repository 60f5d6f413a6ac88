"""Record numbers at the command line: who sees pseudonyms types aliases, and is shown no others.

In          Before a command sees its arguments, aliases in them become the records' own numbers,
            whoever's they are; when somebody has signed in, aliases of another's list, and numbers
            of the records themselves, are refused. A command for nobody in particular takes none.
Out         Cells of tables before they are laid out, and everything else as it is written to
            either stream, for as long as the command runs.
"""

import io
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.privacy.alias import Aliases

#: Commands that are asked about an alias, and take it as it stands.
_TAKEN_AS_GIVEN: Final = "trace-number"
#: What every alias has in it.
_MARKER: Final = "x_"


class _Typed:
    """What the command at hand was given."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        #: As they were typed, before anything was read of them.
        self.before: list[str] = []
        #: Records' own numbers, by which an alias among them was replaced, with the alias.
        self.read: dict[str, str] = {}
        self.aliases: Aliases | None = None


_TYPED: Final = _Typed()


def take_in(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command with the records' own numbers in them.

    Raises RefusedError for an alias that no key that is kept has made.
    """
    _TYPED.before = _TYPED.arguments = list(arguments)
    _TYPED.read, _TYPED.aliases = {}, None
    # Most commands name no alias, and do without what reads one.
    if _TAKEN_AS_GIVEN not in arguments and any(_MARKER in one.lower() for one in arguments):
        _TYPED.arguments = [_with_own_numbers(argument) for argument in arguments]
        # Nothing that fails before somebody has signed in tells what stands behind an alias.
        _veil(_as_typed)
    return _TYPED.arguments


def arguments() -> list[str]:
    """Return what the command at hand was given, with the records' own numbers in it."""
    return _TYPED.arguments or sys.argv[1:]


def check(house: "House", actor: "Actor") -> "Refused | None":
    """Refuse numbers that are not the operator's; from here on nothing else is written either."""
    from counterfoil.journeys.guarding.show_persons import aliases_for

    aliases = aliases_for(house, actor)
    if aliases is None:
        return refuse_aliases()
    if _TAKEN_AS_GIVEN not in _TYPED.before:
        taken = aliases.take_in("\n".join(_TYPED.before or sys.argv[1:]))
        if not isinstance(taken, str):
            return taken
    _TYPED.aliases = aliases
    _veil(aliases.give_out)
    return None


def refuse_aliases() -> "Refused | None":
    """Refuse aliases of anybody, where no number but the records' own stands for anything."""
    from counterfoil.kernel.errors import refuse
    from counterfoil.privacy.refusals import RECORD_NUMBER_OF_ANOTHER

    return refuse(RECORD_NUMBER_OF_ANOTHER) if _TYPED.read else None


def give_out(text: str) -> str:
    """Return a text as whoever has signed in may see it."""
    return text if _TYPED.aliases is None else _TYPED.aliases.give_out(text)


def _with_own_numbers(argument: str) -> str:
    from counterfoil.journeys.guarding.recipient_keys import whose_alias
    from counterfoil.kernel import ids
    from counterfoil.kernel.errors import RefusedError, refuse
    from counterfoil.platform.settings import Settings
    from counterfoil.privacy.alias import aliases_in
    from counterfoil.privacy.refusals import RECORD_NUMBER_OF_ANOTHER

    for alias in aliases_in(argument):
        found = whose_alias(Settings().home, alias)
        if found is None:
            raise RefusedError(refuse(RECORD_NUMBER_OF_ANOTHER))
        own = ids.to_text(*found[1])
        _TYPED.read[own] = alias
        argument = argument.replace(alias, own)
    return argument


def _as_typed(text: str) -> str:
    for own, alias in _TYPED.read.items():
        text = text.replace(own, alias)
    return text


def _veil(change: Callable[[str], str]) -> None:
    sys.stdout, sys.stderr = _Veiled(sys.stdout, change), _Veiled(sys.stderr, change)


class _Veiled(io.TextIOBase):
    """A stream that writes aliases in the place of the records' own numbers, text by text."""

    encoding = "utf-8"

    def __init__(self, inner: TextIO, change: Callable[[str], str]) -> None:
        self._inner = inner
        self._change = change

    def write(self, text: str, /) -> int:
        """Write a text; a number never stands in two of them."""
        self._inner.write(self._change(text))
        return len(text)

    def flush(self) -> None:
        """Write out what waits."""
        self._inner.flush()

    def isatty(self) -> bool:
        """Tell whether somebody reads along."""
        return self._inner.isatty()

    def fileno(self) -> int:
        """Return the number by which the system knows the stream."""
        return self._inner.fileno()

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._inner, name)
