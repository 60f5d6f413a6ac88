"""The witness's key as one line of text.

Form        PRIVATE+KEY+<name>+<key id>+<base64 of type and 32 secret bytes>, the shape that
            golang.org/x/mod/sumdb/note gives to signing keys.
"""

from base64 import b64decode, b64encode
from typing import Final

from counterfoil.evidence.formats.algorithms import OF_WITNESSES, SCHEMES, Algorithm
from counterfoil.evidence.formats.note import SigningKey
from counterfoil.witness.home import WitnessHomeError

_PREFIX: Final = "PRIVATE+KEY+"


#: What a witness may sign with, by the word for it.
ALGORITHMS: Final = {SCHEMES[algorithm].word: algorithm for algorithm in sorted(OF_WITNESSES)}


def new_key(name: str, algorithm: Algorithm = Algorithm.COSIGNATURE_ED25519) -> SigningKey:
    """Make a key for a witness of this name."""
    return SigningKey.generate(name, algorithm)


def format_key(key: SigningKey) -> str:
    """Return the line that is kept."""
    data = b64encode(bytes([key.algorithm]) + key.seed).decode()
    return f"{_PREFIX}{key.name}+{key.verifier.key_id.hex()}+{data}\n"


def parse_key(text: str) -> SigningKey:
    """Read the line; a key whose id does not fit it is damaged."""
    name, _, rest = text.strip().removeprefix(_PREFIX).partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        data = b64decode(encoded, validate=True)
        algorithm = Algorithm(data[0])
        key = SigningKey.from_seed(name, algorithm, data[1:])
    except (ValueError, IndexError) as failure:
        raise WitnessHomeError("the witness's key is damaged") from failure
    if algorithm not in OF_WITNESSES or key.verifier.key_id.hex() != key_id:
        raise WitnessHomeError("the witness's key is damaged or not a witness's")
    return key
