"""One text for one document: canonical JSON over integers, texts, booleans, null, lists, maps.

Follows     RFC 8785 for documents without fractions whose keys lie in the basic plane: sorted
            keys, no blanks, shortest escapes, UTF-8. Fractions are refused; integers beyond
            2^53 would not survive other readers and are refused as well.
"""

import hashlib

import orjson

INTEGER_MAX = 2**53 - 1


class NotCanonicalError(ValueError):
    """The document holds something that canonical JSON cannot carry without loss."""


def canonical_bytes(document: object) -> bytes:
    """Return the canonical form of a document."""
    _check(document)
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def record_bytes(record: dict[str, object]) -> bytes:
    """Return the canonical form of a record whose parts were checked when they were made.

    For the decision path: the same bytes as `canonical_bytes`, a tenth of the time.
    """
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def content_hash(document: object) -> bytes:
    """Return the SHA-256 of the canonical form."""
    return hashlib.sha256(canonical_bytes(document)).digest()


def _check(document: object) -> None:
    if document is None or isinstance(document, bool | str):
        return
    if isinstance(document, int):
        if abs(document) > INTEGER_MAX:
            raise NotCanonicalError(f"{document} is beyond 2^53; write it as a text")
        return
    if isinstance(document, list | tuple):
        for item in document:
            _check(item)
        return
    if isinstance(document, dict):
        for key, item in document.items():
            if not isinstance(key, str) or any(letter > "\uffff" for letter in key):
                raise NotCanonicalError("a key is a text of the basic plane")
            _check(item)
        return
    raise NotCanonicalError(f"a {type(document).__name__} has no canonical form")
