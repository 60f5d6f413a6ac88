"""What the tests of contracts share: an applicant on the way to a signature, and a loan drawn."""

import asyncio
import io
import re
from datetime import timedelta
from typing import Any

import orjson
import pypdf
from tests.api.conftest import Json, Site
from tests.store.applicants import Counter

from counterfoil.contracts.seal_places import CERTIFICATES
from counterfoil.contracts.verifying import KnownSeal, Verdict, verify_contract
from counterfoil.evidence.leaf import LeafType
from counterfoil.kernel import ids
from counterfoil.kernel.clock import TestClock
from counterfoil.lending.commands import ConfirmPayout


def wait(site: Site, seconds: int) -> None:
    assert isinstance(site.house.clock, TestClock)
    site.house.clock.advance(timedelta(seconds=seconds))


class Signing:
    """One applicant on the way to a signature."""

    def __init__(self, site: Site, counter: Counter) -> None:
        self.site = site
        self.counter = counter
        self.language = "zh"

    async def offer(self) -> "Signing":
        view = await self.counter.apply()
        self.view = view
        self.customer_id = ids.to_text(ids.CUSTOMER, view.customer_id)
        self.application_id = ids.to_text(ids.APPLICATION, view.application_id)
        return self

    async def prepare(self) -> Json:
        body = {"customer_id": self.customer_id, "application_id": self.application_id}
        answered = await self.site.post("/v1/contracts", body)
        assert answered.status_code == 201, answered.text
        prepared: Json = answered.json()
        self.contract = prepared
        return prepared

    async def show(self, part: str, **changes: str) -> Any:
        body = {"customer_id": self.customer_id, "part": part, "language": self.language, **changes}
        return await self.site.post(f"/v1/contracts/{self.contract['id']}/shown", body)

    async def show_all(self) -> str:
        """Show both parts; return the code."""
        assert (await self.show("cost_sheet")).status_code == 200
        answered = await self.show("agreement")
        assert answered.status_code == 200, answered.text
        return str(answered.json()["code"])

    async def sign(self, code: str, **changes: str) -> Any:
        body = {
            "customer_id": self.customer_id,
            "language": self.language,
            "document_sha256": self.contract["document_sha256"][self.language],
            "cost_sheet_sha256": self.contract["cost_sheet_sha256"],
            "code": code,
            "authentication_level": "substantial",
            **changes,
        }
        return await self.site.post(f"/v1/contracts/{self.contract['id']}/signature", body)

    async def signed(self) -> Json:
        await self.prepare()
        code = await self.show_all()
        wait(self.site, 6)
        answered = await self.sign(code)
        assert answered.status_code == 200, answered.text
        signed: Json = answered.json()
        self.contract = signed
        return signed

    async def accept(self) -> Any:
        path = f"/v1/applications/{self.application_id}/acceptance"
        return await self.site.post(path, {"customer_id": self.customer_id, "repayment_day": 15})

    async def text(self, language: str = "zh") -> Json:
        path = f"/v1/contracts/{self.contract['id']}"
        read = await self.site.get(path, customer_id=self.customer_id, language=language)
        assert read.status_code == 200, read.text
        found: Json = read.json()
        return found

    async def file(self) -> bytes:
        path = f"/v1/contracts/{self.contract['id']}/document.pdf"
        answered = await self.site.get(path, customer_id=self.customer_id)
        assert answered.status_code == 200, answered.text
        assert answered.headers["content-type"] == "application/pdf"
        return answered.content


def certificate(site: Site) -> bytes:
    [pem] = (site.house.settings.home / "keys" / CERTIFICATES).glob("lender-one.*.pem")
    return pem.read_bytes()


async def leaf_bodies(site: Site) -> list[Json]:
    async with site.house.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT body FROM evidence.leaf_staged WHERE leaf_type = $1 ORDER BY seq",
            LeafType.CONTRACT.value,
        )
    return [orjson.loads(row[0]) for row in rows]


async def verdict(
    pdf: bytes, pem: bytes, body: Json | None = None, lender: str = "lender-one"
) -> Verdict:
    """Verify beside the event loop, as a program of its own would."""
    return await asyncio.to_thread(verify_contract, pdf, [KnownSeal(lender, pem)], body=body)


def printed(pdf: bytes) -> str:
    """Return all that stands on the pages, blanks and footers aside."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    pages = [page.extract_text() for page in reader.pages]
    text = "\n".join(pages)
    text = re.sub(r"SHA-256 [0-9a-f]{64}\n?- \d+ -", "", text)
    return re.sub(r"\s", "", text)


def plain(text: str) -> str:
    """Return a canonical text without marks, bars and blanks."""
    lines = [re.sub(r"^(# |## |- )", "", line).replace(" | ", "") for line in text.splitlines()]
    return re.sub(r"\s", "", "".join(lines))


def wish_of(signing: Signing, line_id: str) -> Json:
    return {
        "customer_id": signing.customer_id,
        "line_id": line_id,
        "amount_minor": 100_000,
        "currency": "CNY",
        "tenor_months": 6,
        "method": "level_instalment",
        "purpose": "daily_consumption",
    }


async def drawn(signing: Signing) -> tuple[Json, Json]:
    """Take the offer, draw, and let the money arrive on the same day; return quote and loan."""
    site = signing.site
    await signing.signed()
    line = (await signing.accept()).json()
    wish = wish_of(signing, line["id"])
    quote = (await site.post("/v1/quotes", {**wish, "language": "zh"})).json()
    body = {**wish, "payee_ref": "acct-1", "quote_token": quote["quote_token"]}
    answered = await site.post("/v1/drawdowns", body)
    assert answered.status_code == 201, answered.text
    loan = answered.json()
    number = ids.from_text(ids.LOAN, loan["id"])
    await site.house.counter.submit(
        ConfirmPayout(
            customer_id=signing.view.customer_id,
            line_id=signing.view.application_id,
            loan_id=number,
            payment_id=number,
            value_date=await site.house.business_date(),
            rail_reference="rail-1",
        ),
        idempotency_key=f"confirm-{number}",
    )
    return quote, loan
