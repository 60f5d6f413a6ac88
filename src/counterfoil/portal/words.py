"""How the portal names what the contexts store as codes: products, purposes, parties, tones."""

from typing import Any, Final

from counterfoil.portal.visit import Visit

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
