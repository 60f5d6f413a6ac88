"""The vault of an installation: which key service it asks and by what it seals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from counterfoil.privacy.envelope import Suite
from counterfoil.privacy.file_key import FileIndexSecret, FileKeyWrapper, create_keys
from counterfoil.privacy.routed_key import RoutedKeyWrapper
from counterfoil.privacy.transit_key import TransitClient, TransitIndexSecret, TransitKeyWrapper
from counterfoil.privacy.vault import Vault

#: Names of the suites in the settings.
SUITES: Final = {
    "aes-256-gcm": Suite.AES_256_GCM,
    "sm4-gcm": Suite.SM4_GCM,
    "aes-256-gcm-siv": Suite.AES_256_GCM_SIV,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitAddress:
    """Where a Vault is and which of its keys are ours."""

    url: str
    token_file: Path
    #: Wraps data keys; `<key>-index` wraps the secrets of the blind index.
    key: str


def open_vault(directory: Path, suite: str, transit: TransitAddress | None) -> Vault:
    """Return the vault; key files are made where there is no Vault, and read where there is one.

    An installation that comes from key files and moves to Vault keeps reading them until its data
    keys are rewrapped; its index secret moves with the next rotation of the index.
    """
    chosen = SUITES[suite]
    if transit is None:
        create_keys(directory)
        return Vault(FileKeyWrapper(directory, chosen), FileIndexSecret(directory), chosen)
    client = TransitClient(transit.url, transit.key, transit.token_file)
    wrapper = RoutedKeyWrapper(
        {"transit": TransitKeyWrapper(client), "file": FileKeyWrapper(directory, chosen)}
    )
    index = TransitClient(transit.url, f"{transit.key}-index", transit.token_file)
    return Vault(wrapper, TransitIndexSecret(index, directory, FileIndexSecret(directory)), chosen)
