"""What a customer applies for, as it was said and as it is put to the policy."""

from dataclasses import dataclass
from datetime import datetime

from counterfoil.decisioning.decision import Asked
from counterfoil.decisioning.expression import Value
from counterfoil.decisioning.gathering import Gathering
from counterfoil.journeys.deciding.decide import Facts
from counterfoil.journeys.deciding.policies import InForce
from counterfoil.platform import idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationWish:
    """What a customer applies for, as it was said."""

    customer_id: int
    product_code: str
    requested_minor: int | None
    purpose: str
    facts: Facts
    idempotency_key: str
    consent_id: int | None
    channel: str | None
    person_decides: bool

    @property
    def request_hash(self) -> bytes:
        """Return the hash by which the same request is known again."""
        said: dict[str, object] = {
            "product_code": self.product_code,
            "requested_minor": self.requested_minor,
            "purpose": self.purpose,
            "facts": dict(self.facts),
        }
        optional = {
            "consent_id": self.consent_id,
            "channel": self.channel,
            "person_decides": self.person_decides,
        }
        said |= {name: value for name, value in optional.items() if value}
        return idempotency.request_hash("submit_application", said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An application as it is put to the policy."""

    wish: ApplicationWish
    in_force: InForce
    asked: Asked
    age_years: int
    snoozed: frozenset[str]
    received_at: datetime
    #: What the house itself knows, as far as the policy declares it.
    own: Facts

    @property
    def features(self) -> dict[str, Value | None]:
        """Return what is known without asking anybody."""
        return {
            **self.wish.facts,
            **self.own,
            "age_years": self.age_years,
            "purpose": self.wish.purpose,
        }

    def gathering(self, application_id: int) -> Gathering:
        """Return it as something for which facts have to be brought together."""
        return Gathering(
            customer_id=self.wish.customer_id,
            application_id=application_id,
            consent_id=self.wish.consent_id,
            asked=self.asked,
            features=self.features,
            idempotency_key=self.wish.idempotency_key,
            request_hash=self.wish.request_hash,
            began_at=self.received_at,
        )
