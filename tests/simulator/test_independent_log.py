"""A verifier of nothing but the public specifications, run over what the house publishes.

Own code below, from RFC 6962/9162 and C2SP (signed-note, tlog-checkpoint, tlog-cosignature,
tlog-tiles, tlog-proof, tlog-policy): it shares none with the product. What it accepts and
`counterfoil verify` accepts has to be the same, and each change of one byte is refused by both.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.store.log_desk import LogDesk, log_opened
from typer.main import get_command

from counterfoil.cli.main import app
from counterfoil.journeys.proving.receipts import read_receipt

CUSTOMER = 7
#: Made once: it is asked thousands of times.
COMMAND = get_command(app)


class Refusal(Exception):  # noqa: N818 – what a verifier says
    """What was shown is not believed."""


def need(condition: object, what: str) -> None:
    if not condition:
        raise Refusal(what)


def b64(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refusal("base64") from error
    need(base64.b64encode(value).decode() == text, "base64 is not canonical")
    return value


def number(text: str) -> int:
    need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text), "not a number")
    return int(text)


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: list[bytes]) -> bytes:
    """RFC 6962 2.1."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else sha256(b"").digest()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node(root_of(hashes[:k]), root_of(hashes[k:]))


def root_by_path(index: int, size: int, value: bytes, path: list[bytes]) -> bytes:
    """RFC 9162 2.1.3.2."""
    need(index < size, "index")
    fn, sn = index, size - 1
    for hashed in path:
        need(sn, "path too long")
        if fn & 1 or fn == sn:
            value = node(hashed, value)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            value = node(value, hashed)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "path too short")
    return value


class Trust:
    """A tlog-policy file: one log, witnesses, groups, a quorum."""

    def __init__(self, text: str) -> None:
        self.keys: dict[tuple[str, bytes], tuple[str, int, Ed25519PublicKey]] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        for words in (line.split() for line in text.splitlines() if line.strip()):
            if words[0] == "log":
                self.origin = self._key("log", words[1])
            elif words[0] == "witness":
                self._key(words[1], words[2])
            elif words[0] == "group":
                members = words[3:]
                counts = {"any": 1, "all": len(members)}
                need_of = counts.get(words[2]) or int(words[2])
                self.groups[words[1]] = (need_of, members)
            elif words[0] == "quorum":
                self.quorum = words[1]

    def _key(self, role: str, vkey: str) -> str:
        name, hexed, encoded = vkey.split("+", 2)
        blob = b64(encoded)
        need(sha256(name.encode() + b"\n" + blob).hexdigest()[:8] == hexed, "key id")
        public = Ed25519PublicKey.from_public_bytes(blob[1:])
        self.keys[name, bytes.fromhex(hexed)] = (role, blob[0], public)
        return name

    def met(self, name: str, seen: set[str]) -> bool:
        if name not in self.groups:
            return name in seen
        threshold, members = self.groups[name]
        return sum(self.met(member, seen) for member in members) >= threshold

    def head(self, note: str) -> tuple[int, bytes]:
        """Return size and root of a checkpoint that the quorum has seen."""
        text, separator, signatures = note.partition("\n\n")
        lines = text.split("\n")
        need(separator and signatures.endswith("\n") and len(lines) == 3, "note")
        need(lines[0] == self.origin, "origin")
        seen = set()
        for line in signatures[:-1].split("\n"):
            match = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
            need(match, "signature line")
            assert match is not None
            blob = b64(match[2])
            known = self.keys.get((match[1], blob[:4]))
            if known is None:
                continue
            role, kind, public = known
            message, signature = text + "\n", blob[4:]
            if kind == 4:
                time = int.from_bytes(blob[4:12], "big")
                message, signature = f"cosignature/v1\ntime {time}\n{message}", blob[12:]
            try:
                public.verify(signature, message.encode())
            except InvalidSignature:
                raise Refusal("signature") from None
            seen.add(role)
        need("log" in seen and self.met(self.quorum, seen), "quorum")
        root = b64(lines[2])
        need(len(root) == 32, "root")
        return number(lines[1]), root

    def receipt(self, data: bytes) -> dict[str, Any]:
        """Return what a receipt opens."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise Refusal("text") from None
        opening, _, proof = text.partition("\n\n")
        path, _, note = proof.partition("\n\n")
        first, kind, salt, body, *more = [*opening.split("\n"), *[""] * 4]
        need(first == "counterfoil-receipt/v1" and not any(more), "opening")
        need((kind[:5], salt[:5], body[:5]) == ("type ", "salt ", "body "), "opening")
        header, index, *hashes = [*path.split("\n"), ""]
        need(header == "c2sp.org/tlog-proof@v1" and index[:6] == "index ", "proof")
        mark = bytes([number(kind[5:])])
        committed = sha256(b"counterfoil/leaf/v1" + mark + b64(salt[5:]) + body[5:].encode())
        size, root = self.head(note)
        hashed = leaf(b"\x01" + mark + committed.digest())
        steps = [b64(line) for line in hashes if line]
        need(len(steps) == len(hashes) - 1, "proof")
        need(root_by_path(number(index[6:]), size, hashed, steps) == root, "inclusion")
        document: dict[str, Any] = json.loads(body[5:])
        return document

    def directory(self, log: Path) -> int:
        """Recompute a published log from its entries; return its size."""
        size, root = self.head((log / "checkpoint").read_text(encoding="utf-8"))
        entries = list(entries_of(log, size))
        level = [leaf(entry) for entry in entries]
        need(root_of(level) == root, "root")
        height = 0
        while level:
            for place in range(0, len(level), 256):
                part = level[place : place + 256]
                stored = (log / tile(str(height), place // 256, len(part))).read_bytes()
                need(stored == b"".join(part), f"tile {height}/{place // 256}")
            whole = len(level) // 256 * 256
            level = [root_of(level[n : n + 256]) for n in range(0, whole, 256)]
            height += 1
        return size


def tile(level: str, place: int, width: int) -> str:
    groups = [f"{place % 1000:03}"]
    while place := place // 1000:
        groups.insert(0, f"x{place % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")


def entries_of(log: Path, size: int) -> Iterator[bytes]:
    for place in range(0, size, 256):
        width = min(256, size - place)
        data = (log / tile("entries", place // 256, width)).read_bytes()
        for _ in range(width):
            length = int.from_bytes(data[:2], "big")
            need(len(data) >= 2 + length, "bundle")
            yield data[2 : 2 + length]
            data = data[2 + length :]
        need(not data, "bundle")


# ------------------------------------------------------------------------- what the house publishes


@dataclass
class Published:
    home: Path
    log: Path
    policy: Path
    trust: Trust
    receipt: bytes

    def ours(self, command: str, path: Path) -> int:
        """Return the exit code of the product's own verifier."""
        words = ["verify", command, str(path), "--policy", str(self.policy), "--json"]
        result = CliRunner().invoke(COMMAND, words)  # type: ignore[arg-type]
        # Refusing is no accident: an exception would end with 1 as well.
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code


@pytest.fixture
async def published(database_url: str, tmp_path: Path) -> AsyncIterator[Published]:
    """Publish 300 leaves under exactly the witnesses that the quorum needs: each byte matters."""
    async with log_opened(database_url, tmp_path) as log:
        log.witnesses["auditor"].is_down = True
        leaf_ids = await log.stage(300, customer_id=CUSTOMER)
        await log.integrate()
        assert await log.publish() == 300
        yield Published(
            home=tmp_path,
            log=log.files,
            policy=log.files / "policy",
            trust=Trust(log.policy),
            receipt=await receipt_of(log, leaf_ids[123]),
        )


async def receipt_of(log: LogDesk, leaf_id: int) -> bytes:
    found = await read_receipt(log.house, CUSTOMER, leaf_id)
    return bytes(found)  # type: ignore[arg-type]


def is_refused(trust: Trust, receipt: bytes) -> bool:
    try:
        trust.receipt(receipt)
    except Refusal:
        return True
    return False


async def test_what_is_published_is_accepted_by_both(published: Published) -> None:
    assert published.trust.directory(published.log) == 300
    assert published.trust.receipt(published.receipt)["number"] == 123
    assert published.ours("log", published.log) == 0
    path = published.home / "receipt"
    path.write_bytes(published.receipt)
    assert published.ours("receipt", path) == 0
    assert len(published.receipt) < 2_500


async def test_every_changed_byte_of_a_receipt_is_refused_by_both(published: Published) -> None:
    path, receipt = published.home / "receipt", published.receipt
    accepted = []
    for place in range(len(receipt)):
        for bit in (0x01, 0x20):
            bent = bytearray(receipt)
            bent[place] ^= bit
            path.write_bytes(bent)
            if not is_refused(published.trust, bytes(bent)) or published.ours("receipt", path) != 1:
                accepted.append((place, bit))
    assert accepted == []
    for cut in (b"", receipt[:-1], receipt + b"\n", receipt[1:], receipt.replace(b"\n", b"\r\n")):
        path.write_bytes(cut)
        assert is_refused(published.trust, cut)
        assert published.ours("receipt", path) == 1


async def test_a_changed_byte_of_any_published_file_is_refused_by_both(
    published: Published,
) -> None:
    files = [published.log / "checkpoint", *sorted(published.log.glob("tile/**/*"))]
    looked_at = 0
    for file in files:
        if file.is_dir() or not needed(file, published.log):
            continue
        original = file.read_bytes()
        for place in {0, len(original) // 3, len(original) // 2, len(original) - 1}:
            bent = bytearray(original)
            bent[place] ^= 0x01
            file.write_bytes(bent)
            with pytest.raises((Refusal, UnicodeDecodeError)):
                published.trust.directory(published.log)
            assert published.ours("log", published.log) == 1, (file, place)
        file.write_bytes(original)
        looked_at += 1
    assert looked_at == 6
    assert published.trust.directory(published.log) == 300


def needed(file: Path, log: Path) -> bool:
    """Tell whether a file is part of the head of 300; earlier partial tiles may stay."""
    names = {"checkpoint", *(tile(level, 0, 256) for level in ("0", "entries"))}
    names |= {tile(level, 1, 44) for level in ("0", "entries")} | {tile("1", 0, 1)}
    return str(file.relative_to(log)) in names
