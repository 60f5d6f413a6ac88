"""How the portal names what the contexts store as codes: products, purposes, parties, tones."""

from typing import Any, Final

from counterfoil.decisioning.expression import Value
from counterfoil.portal.visit import Visit

#: Currency of what is known of customers.
_CURRENCY: Final = "CNY"
_PPM: Final = 1_000_000
LOAN_TONES: Final = {"open": "live", "closed": "good", "cancelled": "", "pending": "warn"}
CONSENT_TONES: Final = {"given": "good", "used_up": "", "expired": "", "withdrawn": ""}


def product_name(visit: Visit, code: str) -> str:
    """Return a product's name in the reader's language."""
    for terms in visit.house.catalogue.all():
        if terms.code == code:
            name = terms.name_zh if visit.catalogue.language == "zh-CN" else terms.name_en
            return str(name)
    return code


def notice_language(visit: Visit) -> str:
    """Return the reader's language as notices name it."""
    return "zh" if visit.catalogue.language == "zh-CN" else "en"


def party_name(visit: Visit, legal_id: str) -> str:
    """Return the name of a recipient, or its identifier where no notice names it."""
    party: Any = visit.house.notices.party_of(legal_id)
    return legal_id if party is None else str(party.name(notice_language(visit)))


def value_words(visit: Visit, value: Value | None, unit: str) -> str:
    """Return a value that is known of the customer as people write it."""
    if value is None:
        return visit.t("value.unknown")
    if isinstance(value, bool):
        return visit.t("value.yes" if value else "value.no")
    if isinstance(value, str):
        return visit.word("purpose", value)
    if unit == "minor":
        return visit.formats.money(value, _CURRENCY)
    if unit == "ppm":
        return visit.formats.percent(value, _PPM)
    return f"{visit.formats.count(value)} {visit.word('unit', unit)}".strip()
