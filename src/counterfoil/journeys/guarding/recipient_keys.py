"""Keys by which customers bear another name for each recipient, and exports their marks.

Apart       `keys/exports` in the house's home: one file for each recipient of exports, one for each
            role that sees no names or person in it, one for all marks. They are apart from the
            vault's keys, so that nobody who has one group has the other. A file that is destroyed
            cuts its pseudonyms off from the customers for good.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from counterfoil.journeys.house import House
from counterfoil.platform.access_matrix import Actor, Sight, load_matrix
from counterfoil.platform.files import write_once
from counterfoil.privacy.alias import Aliases, aliases_in
from counterfoil.privacy.deidentify import is_made_by

_KEY_BYTES: Final = 32
#: What the file of a recipient's key is called, before the recipient.
_TO: Final = "to-"
#: What the file of a role's key is called; no recipient is.
_ROLE: Final = "role."


def recipient_key(house: House, recipient: str) -> bytes:
    """Return the key of whom data is exported to; made at the first export."""
    return _key(house, f"{_TO}{recipient}")


def sight_key(house: House, actor: Actor) -> bytes:
    """Return the key under whose pseudonyms somebody sees customers; made at the first look.

    It is the role's, and the person's own where the matrix says so: an agency's is of one agency.
    """
    is_own = load_matrix().rights_for(actor).sees is Sight.OWN_PSEUDONYM
    return _key(house, f"{_ROLE}{actor.role}.{actor.name}" if is_own else f"{_ROLE}{actor.role}")


def whose_alias(home: Path, text: str) -> tuple[str, tuple[str, int]] | None:
    """Return the list that an alias is from, a recipient's or `role.…`, and what it stands for.

    Kind and number; None where no key that is kept made it. `home` is the house's.
    """
    for path in sorted(_folder(home).glob("*.key")):
        found = Aliases(path.read_bytes()).read(text)
        if found is not None:
            return path.stem.removeprefix(_TO), found
    return None


def mark_key(house: House, export_id: int) -> bytes:
    """Return the key of the marks of one export."""
    return hmac.digest(_key(house, "marks"), f"export\0{export_id}".encode(), "sha256")


def made_by(house: House, rows: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Return how many pseudonyms and aliases of a sample each key made; a role's is `role.…`."""
    given = {word for row in rows for cell in row for word in (cell, *aliases_in(cell))}
    counted = {}
    for path in sorted(_folder(house.settings.home).glob("*.key")):
        key = path.read_bytes()
        read = Aliases(key).read
        number = sum(is_made_by(key, cell) or read(cell) is not None for cell in given)
        if number:
            counted[path.stem.removeprefix(_TO)] = number
    return counted


def _key(house: House, name: str) -> bytes:
    path = _folder(house.settings.home) / f"{name}.key"
    write_once(path, secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


def _folder(home: Path) -> Path:
    folder = home / "keys" / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
