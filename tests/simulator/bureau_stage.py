"""A reference bureau with one member, on paper but for the certificates."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey
from tests.simulator.in_process import InProcess
from tests.unit.bureau.paper_log import (
    BUREAU,
    ID_NUMBER,
    LENDER,
    NAME,
    NOW,
    ORGANISATION,
    PaperLog,
)

from counterfoil.bureau.http_bureau import HttpBureau
from counterfoil.bureau.jose import ALGORITHM, KeyFileSigner
from counterfoil.bureau.membership import Membership, certificate_sha256
from counterfoil.bureau.question import (
    Answer,
    Question,
)
from counterfoil.bureau.request import TYPE, write_claims
from counterfoil.simulator.bureau.books import Books, KnownPerson
from counterfoil.simulator.bureau.bureau import Bureau
from counterfoil.simulator.bureau.member import enrol, make_home, members_of

CLIENT = 26
OTHER_NAME, OTHER_NUMBER = "李四", "110105194912310038"


class Stage:
    """A bureau with one member, on paper but for the certificates."""

    def __init__(self, directory: Path, log: PaperLog) -> None:
        self.home, self.log = directory / "bureau", log
        now = datetime.now(UTC)
        make_home(self.home, bureau=BUREAU, now=now)
        self.membership = self.enrol(directory / "lender")
        self.books = Books(self.home / "books.sqlite")
        self.books.add_people(
            [
                KnownPerson(id_number=ID_NUMBER, name=NAME, client_number=CLIENT),
                KnownPerson(id_number=OTHER_NUMBER, name=OTHER_NAME, client_number=27),
            ]
        )
        self.desk = Bureau(
            bureau=BUREAU,
            books=self.books,
            members=members_of(self.home),
            today=date(2026, 1, 3),
        )
        self.now = NOW
        self.peer = certificate_sha256(self.membership.certificate)

    def enrol(
        self, member_home: Path, issuer: str = LENDER, organisation: str = ORGANISATION
    ) -> Membership:
        return enrol(
            self.home,
            member_home,
            issuer=issuer,
            organisation=organisation,
            url="https://localhost",
            policy=self.log.policy,
            own_witness="bureau",
            now=datetime.now(UTC),
        )

    @property
    def port(self) -> HttpBureau:
        transport = InProcess(self.desk, self.peer, now=lambda: self.now)
        return HttpBureau(
            self.membership, KeyFileSigner(self.membership.signing_key), transport=transport
        )

    async def ask(self, asked: Question) -> Answer:
        async with self.port as port:
            return await port.ask(asked)

    def token(self, asked: Question, **claims: Any) -> str:
        """A request whose claims a test alters before they are signed."""
        honest = json.loads(write_claims(asked, inquirer=ORGANISATION, peer_sha256=self.peer))
        key = OKPKey.import_key(self.membership.signing_key.read_bytes())
        header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": TYPE}
        payload = json.dumps({**honest, **claims}).encode()
        return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])

    def refuse(self, asked: Question, **claims: Any) -> str:
        reply = self.desk.handle(self.token(asked, **claims), self.peer, now=self.now)
        assert reply.status != 200
        assert reply.sealed is None
        return reply.code
