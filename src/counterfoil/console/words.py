"""How the console names what the contexts store as codes: states, products, records, tones."""

from typing import Final

from counterfoil.console.frame import BASE
from counterfoil.console.visit import Visit
from counterfoil.kernel import ids
from counterfoil.kernel.errors import Refused
from counterfoil.platform.web.parts import Status

LOAN_TONES: Final = {"open": "live", "closed": "good", "cancelled": "", "pending": "warn"}
MEASURE_TONES: Final = {"planned": "live", "in_force": "warn", "lifted": "good", "undone": "good"}
LINE_TONES: Final = {"active": "good", "frozen": "warn", "suspended": "bad", "expired": "warn"}
PAYMENT_TONES: Final = {
    "created": "",
    "held": "live",
    "sent": "live",
    "unknown": "warn",
    "succeeded": "good",
    "failed": "bad",
}
APPLICATION_TONES: Final = {
    "approved": "good",
    "declined": "bad",
    "referred": "warn",
    "received": "live",
    "gathering": "live",
    "accepted": "good",
}
CONSENT_TONES: Final = {"given": "good", "used_up": "", "expired": "warn", "withdrawn": "bad"}

CONTRACT_TONES: Final = {
    "prepared": "live",
    "signed": "good",
    "superseded": "",
    "declined": "warn",
    "withdrawn": "",
}

MESSAGE_TONES: Final = {"delivered": "good", "sent": "good", "undeliverable": "bad"}
DEBIT_TONES: Final = {
    "created": "live",
    "sent": "live",
    "unknown": "warn",
    "succeeded": "good",
    "failed": "bad",
}

RETURN_TONES: Final = {"requested": "live", "paid": "good", "failed": "bad", "bounced": "bad"}

INQUIRY_TONES: Final = {
    "intent": "live",
    "answered": "good",
    "declined": "warn",
    "rejected": "bad",
    "stopped": "",
}

#: Names of the buckets by their number, as lending counts them.
BUCKETS: Final = ("C", "M1", "M2", "M3", "M4", "M5", "M6", "M7+")

#: First bucket beyond 30 days past due.
BUCKET_30_PLUS: Final = 2


def bucket_status(bucket: int) -> Status:
    """Return a bucket by its name; the later, the worse."""
    tone = "good" if bucket == 0 else "warn" if bucket < BUCKET_30_PLUS else "bad"
    return Status(label=BUCKETS[bucket], tone=tone)


def code_label(visit: Visit, family: str, code: str) -> str:
    """Return the label of a code, or the code where a newer release knows one more."""
    key = f"{family}.{code}"
    return visit.t(key) if visit.catalogue.has(key) else code


def channel_label(visit: Visit, channel: str) -> str:
    """Return a channel of a transaction; of money that was paid out it is the rail's reference."""
    key = f"channel.{channel}"
    return visit.t(key) if visit.catalogue.has(key) else visit.known_by_all(channel)


def product_name(visit: Visit, code: str) -> str:
    """Return a product's name in the reader's language."""
    names = visit.desk.product_names.get(code)
    if names is None:
        return code
    return names[0] if visit.catalogue.language == "zh-CN" else names[1]


def customer_href(customer_id: int) -> str:
    """Return the address of a customer's page."""
    return f"{BASE}/customers/{ids.to_text(ids.CUSTOMER, customer_id)}"


def line_href(customer_id: int, line_id: int) -> str:
    """Return the address of a line's page."""
    return f"{customer_href(customer_id)}/lines/{ids.to_text(ids.LINE, line_id)}"


def loan_href(customer_id: int, loan_id: int) -> str:
    """Return the address of a loan's page."""
    return f"{customer_href(customer_id)}/loans/{ids.to_text(ids.LOAN, loan_id)}"


def payment_href(customer_id: int, payment_id: int) -> str:
    """Return the address of a payment's page."""
    return f"{customer_href(customer_id)}/payments/{ids.to_text(ids.PAYMENT, payment_id)}"


def application_href(customer_id: int, application_id: int) -> str:
    """Return the address of an application's page."""
    return (
        f"{customer_href(customer_id)}/applications/{ids.to_text(ids.APPLICATION, application_id)}"
    )


def consents_href(customer_id: int) -> str:
    """Return the address of the page with a customer's consents."""
    return f"{customer_href(customer_id)}/consents"


def consent_href(customer_id: int, consent_id: int) -> str:
    """Return the address of a consent's page."""
    return f"{consents_href(customer_id)}/{ids.to_text(ids.CONSENT, consent_id)}"


def contracts_href(customer_id: int) -> str:
    """Return the address of a customer's contracts."""
    return f"{customer_href(customer_id)}/contracts"


def settings_href(customer_id: int) -> str:
    """Return the address of the page with what a customer has set."""
    return f"{customer_href(customer_id)}/settings"


def contract_href(customer_id: int, contract_id: int) -> str:
    """Return the address of a contract's page."""
    return f"{contracts_href(customer_id)}/{ids.to_text(ids.CONTRACT, contract_id)}"


def profile_href(customer_id: int) -> str:
    """Return the address of a customer's profile."""
    return f"{customer_href(customer_id)}/profile"


def receipts_href(customer_id: int) -> str:
    """Return the address of a customer's receipts."""
    return f"{customer_href(customer_id)}/receipts"


def receipt_href(customer_id: int, leaf_id: int) -> str:
    """Return the address of the receipt of a leaf."""
    return f"{receipts_href(customer_id)}/{ids.to_text(ids.LEAF, leaf_id)}"


def inquiries_href(customer_id: int) -> str:
    """Return the address of the inquiries about a customer."""
    return f"{customer_href(customer_id)}/inquiries"


def capacity_href(customer_id: int) -> str:
    """Return the address of what a customer can carry and owes."""
    return f"{customer_href(customer_id)}/capacity"


def journal_href(customer_id: int, journal_id: int) -> str:
    """Return the address of a journal's page; the house's own journals have no customer."""
    owner = ids.to_text(ids.CUSTOMER, customer_id) if customer_id else "house"
    return f"{BASE}/ledger/journals/{owner}/{ids.to_text(ids.JOURNAL, journal_id)}"


def account_href(account: int) -> str:
    """Return the address of a ledger account's page."""
    return f"{BASE}/ledger/accounts/{account}"


def refusal_text(visit: Visit, refused: Refused) -> str:
    """Return a refusal in the reader's language, else as it is written in the catalogue."""
    visit.refused = refused
    key = f"refusal.{refused.code}"
    if visit.catalogue.has(key):
        return visit.t(key)
    return f"{refused.message} {refused.next_step}"
