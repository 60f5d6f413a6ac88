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


def mark_key(house: House, export_id: int) -> bytes:
    """Return the key of the marks of one export."""
    return hmac.digest(_key(house, "marks"), f"export\0{export_id}".encode(), "sha256")


def made_by(house: House, rows: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Return how many pseudonyms of a sample each key has made: by recipient, or `role.…`."""
    given = {cell for row in rows for cell in row}
    counted = {}
    for path in sorted(_folder(house).glob("*.key")):
        key = path.read_bytes()
        number = sum(is_made_by(key, cell) for cell in given)
        if number:
            counted[path.stem.removeprefix(_TO)] = number
    return counted


def _key(house: House, name: str) -> bytes:
    path = _folder(house) / f"{name}.key"
    write_once(path, secrets.token_bytes(_KEY_BYTES))
    return path.read_bytes()


def _folder(house: House) -> Path:
    folder = house.settings.home / "keys" / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
