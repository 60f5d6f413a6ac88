"""Applicants for tests: persons with a clean record who register and apply in a house."""

from dataclasses import dataclass
from datetime import date

from counterfoil.decisioning import store as decisions
from counterfoil.decisioning.application import Application
from counterfoil.hosts.campaign_store import NO_HOST, Campaign, add_campaign, add_invitations
from counterfoil.journeys.applying import apply, register
from counterfoil.journeys.applying.apply import ApplicationView
from counterfoil.journeys.applying.register import ApplicantView
from counterfoil.journeys.contracting.contract_bulk import sign_for_sandbox
from counterfoil.journeys.house import House
from counterfoil.kernel.errors import Refused
from counterfoil.platform.batches import Answer
from counterfoil.simulator.people import invent

CLEAN: dict[str, int | bool | str | None] = {
    "is_student": False,
    "history_months": 6,
    "delay_months_latest": 0,
    "delay_months_max": 0,
    "late_months_count": 0,
    "unpaid_months_count": 0,
    "utilisation_ppm": 500_000,
    "credit_elsewhere_minor": 10_000_000,
    "balance_elsewhere_minor": 5_000_000,
}


#: Invented persons of an age that no segment is for.
PERSONS = [
    person
    for person in invent(120, seed=1, on=date(2026, 1, 5))
    if "1968" < person.id_number[6:10] < "1999"
]


@dataclass
class Counter:
    """Applies for one person after the other."""

    house: House
    persons: int = 0

    async def apply(
        self,
        *,
        customer_id: int | None = None,
        product_code: str = "cash-line-open",
        channel: str | None = None,
        person_decides: bool = False,
        **facts: int | bool | str | None,
    ) -> ApplicationView:
        """Apply, by default for a person nobody knows yet."""
        self.persons += 1
        key = f"apply-{self.persons}"
        applicant = customer_id or await self.register(key)
        if product_code == "cash-line-invited":
            await self.invite(applicant, product_code)
        answered = await apply.submit_application(
            self.house,
            customer_id=applicant,
            product_code=product_code,
            requested_minor=None,
            purpose="travel",
            facts=CLEAN | facts,
            idempotency_key=key,
            channel=channel,
            person_decides=person_decides,
        )
        assert isinstance(answered, ApplicationView), answered
        return answered

    async def invite(self, customer_id: int, product_code: str) -> None:
        """Invite somebody to apply, without the campaign behind it."""
        on, number = await self.house.business_date(), self.house.ids.next()
        campaign = Campaign(
            campaign_id=number,
            code=f"test-{number}",
            product_code=product_code,
            host_id=NO_HOST,
            rule="own_months > 0",
            list_sha256="",
            quota=1,
            expires_on=on,
            words={},
            asked_by="ana",
            approved_by="cora",
            approval_id=number,
            started_at=self.house.clock.now(),
            counts={},
        )
        async with self.house.database.transaction() as connection:
            await add_campaign(connection, campaign)
            await add_invitations(connection, campaign, [customer_id], on=on)

    async def register(self, key: str) -> int:
        """Register one more person."""
        person = PERSONS[self.persons - 1]
        applicant = await register.register_applicant(
            self.house,
            name=person.name,
            id_number=person.id_number,
            phone=person.phone,
            idempotency_key=key,
        )
        assert isinstance(applicant, ApplicantView), applicant
        return applicant.customer_id

    async def accept(self, view: ApplicationView) -> None:
        """Sign the agreement of an offer and take it."""
        [signed] = await sign_for_sandbox(self.house, [(view.customer_id, view.application_id)])
        assert not isinstance(signed, Refused), signed
        answered = await apply.accept_offer(
            self.house,
            customer_id=view.customer_id,
            application_id=view.application_id,
            repayment_day=15,
            idempotency_key=f"accept-{view.application_id}",
        )
        assert isinstance(answered, Answer), answered

    async def stored(self, view: ApplicationView) -> Application:
        """Return an application as it stands."""
        async with self.house.database.connection() as connection:
            found = await decisions.read_application(
                connection, customer_id=view.customer_id, application_id=view.application_id
            )
        assert found is not None
        return found
