"""Files that are written whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

_OWNER_ONLY = 0o600
_DRAFT_BYTES = 8


def write_once(path: Path, content: bytes) -> None:
    """Write a file, readable by its owner alone, unless somebody was first.

    Whoever comes at the same time, of this process or of another, has a draft of his own; one of
    them gets its name, and everybody reads that one.
    """
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(_DRAFT_BYTES)}.draft")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    with os.fdopen(os.open(draft, flags, _OWNER_ONLY), "wb") as file:
        file.write(content)
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
