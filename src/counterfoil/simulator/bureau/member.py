"""Members of the reference bureau: what it keeps of a lender, and what it gives the lender.

Enrolment     Before anything travels, files are exchanged. The lender makes its keys at home and
              hands over a certificate request, the public half of its signing key, the public key
              for sealed answers, and the policy of its log. The bureau signs the certificate and
              hands back its own authority and identifiers. Private keys stay where they were made.
A sandbox     does both sides in one go (`enrol`), each in its own directory.
Certificates  A small authority of P-256 keys (RFC 5280), for this bureau alone; not for the world.
"""

import ipaddress
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import OKPKey

from counterfoil.bureau.membership import (
    ANSWERS_KEY,
    AUTHORITY,
    CLIENT,
    CLIENT_KEY,
    MEMBERSHIP,
    SIGNING_KEY,
    Membership,
    certificate_sha256,
    load_membership,
)
from counterfoil.privacy import hpke

#: Days for which the authority and its certificates hold; a sandbox is younger than that.
VALID_DAYS: Final = 3_650
_AUTHORITY_KEY: Final = "authority.key"
CERTIFICATE: Final = "server.pem"
CERTIFICATE_KEY: Final = "server.key"
BOOKS: Final = "books.sqlite"
_ABOUT: Final = "bureau.json"
_MEMBERS: Final = "members"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What the bureau keeps of a lender."""

    issuer: str
    organisation: str
    #: JWK of the signing key, public half.
    signing_key: dict[str, Any]
    #: Hexadecimal.
    hpke_public: str
    certificate_sha256: str
    #: The policy of the member's log, as its file says it.
    policy: str
    #: The policy's name for the bureau's own witness; None where it runs none.
    own_witness: str | None
    #: Reason codes by purpose that the bureau takes from this member.
    reasons: dict[str, str]

    @property
    def key_id(self) -> str:
        """Return the identifier by which requests name the signing key."""
        return OKPKey.import_key(self.signing_key).thumbprint()


#: What a lender may ask for, unless its membership says otherwise.
REASONS: Final = {
    "inquiry_origination": "02",
    "inquiry_limit_increase": "26",
    "inquiry_review": "01",
    "inquiry_guarantor": "08",
}


def make_home(home: Path, *, bureau: str, now: datetime) -> None:
    """Make the authority and the server's certificate where there are none."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / _MEMBERS).mkdir(exist_ok=True)
    if (home / AUTHORITY).exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"{bureau} test authority")
    authority = (
        _certificate(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    _write_key(home / _AUTHORITY_KEY, key)
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = _signed(authority, key, bureau, server_key.public_key(), now, is_server=True)
    _write_key(home / CERTIFICATE_KEY, server_key)
    (home / CERTIFICATE).write_bytes(server.public_bytes(Encoding.PEM))
    (home / _ABOUT).write_text(json.dumps({"bureau": bureau}), encoding="utf-8")
    # Last: whoever finds it finds everything.
    (home / AUTHORITY).write_bytes(authority.public_bytes(Encoding.PEM))


def bureau_of(home: Path) -> str:
    """Return the legal identifier of the bureau in a directory."""
    bureau: str = json.loads((home / _ABOUT).read_text(encoding="utf-8"))["bureau"]
    return bureau


def enrol(
    home: Path,
    member_home: Path,
    *,
    issuer: str,
    organisation: str,
    url: str,
    policy: str,
    own_witness: str | None,
    now: datetime,
) -> Membership:
    """Do both sides of an enrolment; a member that is enrolled again keeps its keys."""
    signing_key = _own_keys(member_home)
    member_key = load_pem_private_key((member_home / CLIENT_KEY).read_bytes(), None)
    assert isinstance(member_key, ec.EllipticCurvePrivateKey)
    certificate = member_home / CLIENT
    if not certificate.exists():
        authority = x509.load_pem_x509_certificate((home / AUTHORITY).read_bytes())
        key = load_pem_private_key((home / _AUTHORITY_KEY).read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signed = _signed(authority, key, issuer, member_key.public_key(), now, is_server=False)
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    (member_home / AUTHORITY).write_bytes((home / AUTHORITY).read_bytes())
    about = {
        "bureau": bureau_of(home),
        "issuer": issuer,
        "organisation": organisation,
        "url": url,
        "witness": own_witness,
    }
    (member_home / MEMBERSHIP).write_text(json.dumps(about), encoding="utf-8")
    membership = load_membership(member_home)
    member = Member(
        issuer=issuer,
        organisation=organisation,
        signing_key=dict(signing_key.as_dict(private=False)),
        hpke_public=hpke.public_bytes(hpke.read_key_file(membership.answers_key)).hex(),
        certificate_sha256=certificate_sha256(certificate).hex(),
        policy=policy,
        own_witness=own_witness,
        reasons=REASONS,
    )
    text = json.dumps(asdict(member), ensure_ascii=False, indent=2)
    (home / _MEMBERS / f"{member.key_id}.json").write_text(text, encoding="utf-8")
    return membership


def members_of(home: Path) -> dict[str, Member]:
    """Return the members of a bureau by the identifier of their signing key."""
    found = [
        Member(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((home / _MEMBERS).glob("*.json"))
    ]
    return {member.key_id: member for member in found}


def _own_keys(member_home: Path) -> OKPKey:
    """Make the lender's keys where there are none, and return the one that signs."""
    member_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    hpke.create_key_file(member_home / ANSWERS_KEY)
    if not (member_home / CLIENT_KEY).exists():
        _write_key(member_home / CLIENT_KEY, ec.generate_private_key(ec.SECP256R1()))
    path = member_home / SIGNING_KEY
    if not path.exists():
        key = OKPKey.generate_key("Ed25519")
        _write_owner_only(path, key.as_pem(private=True))
    return OKPKey.import_key(path.read_bytes())


def _signed(
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    name: str,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    *,
    is_server: bool,
) -> x509.Certificate:
    usage = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if is_server:
        # The reference bureau answers to its own machine alone.
        names += [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
    return (
        _certificate(_name(name), authority.subject, public, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, SHA256())
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    _write_owner_only(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _write_owner_only(path: Path, data: bytes) -> None:
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY
    with os.fdopen(os.open(path, flags, _OWNER_ONLY), "wb") as file:
        file.write(data)
