"""Signing a request, behind a port: a key file here, a key service or a certified box elsewhere.

Algorithm   Ed25519. The header says `Ed25519`, the name that RFC 9864 gives to what `EdDSA` with
            that curve meant; verifiers take both.
Follows     RFC 7515 (compact form), RFC 8037, RFC 7638 for the key's identifier.
"""

from pathlib import Path
from typing import Any, Final, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from counterfoil.bureau.request import TYPE

ALGORITHM: Final = "Ed25519"
#: Far above a request with two receipts of the largest log.
REQUEST_BYTES_MAX: Final = 256 * 1024


class RequestSigner(Protocol):
    """Signs requests in the lender's name."""

    def sign(self, claims: bytes) -> str:
        """Return the compact JWS over claims."""
        ...


class SignatureRejectedError(ValueError):
    """A request does not bear the signature of the key that it should."""


class KeyFileSigner:
    """Signs with a private key in a file (PKCS #8, PEM); for development and small houses."""

    def __init__(self, path: Path) -> None:
        """Read the key."""
        self._key = OKPKey.import_key(path.read_bytes())
        self._header: dict[str, Any] = {
            "alg": ALGORITHM,
            "kid": self._key.thumbprint(),
            "typ": TYPE,
        }

    def sign(self, claims: bytes) -> str:
        """Return the compact JWS over claims."""
        return jws.serialize_compact(self._header, claims, self._key, algorithms=[ALGORITHM])


def key_id_of(token: str) -> str:
    """Return which key a request says it is signed with; nothing is believed yet."""
    if len(token) > REQUEST_BYTES_MAX:
        raise SignatureRejectedError("larger than a request is")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise SignatureRejectedError("not a compact JWS") from error
    key_id = header.get("kid")
    if header.get("typ") != TYPE or not isinstance(key_id, str):
        raise SignatureRejectedError("another kind of token")
    return key_id


def payload_of(token: str, key: OKPKey) -> bytes:
    """Return the claims that a key has signed."""
    try:
        return jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
    except (JoseError, ValueError) as error:
        raise SignatureRejectedError("the signature does not hold") from error
