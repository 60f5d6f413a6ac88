"""A consent's record and receipt as others read them: header, processing, parties, events.

Follows     The structure of ISO/IEC TS 27560:2023, "Consent record information structure": its
            four sections and the names of their fields as far as they are generally known; the
            text itself was not at hand, so no conformity is claimed. The receipt is the same
            content, with what is needed to check it: the canonical record and its hash.
Instants    ISO 8601 in UTC; spans as ISO 8601 durations of whole days.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from counterfoil.consents.consent import Consent
from counterfoil.consents.decision import Decision, TextShown
from counterfoil.consents.notice import WARNING, Notice, Notices, Party
from counterfoil.consents.state import Event, EventKind
from counterfoil.kernel import ids

SCHEMA: Final = "ISO/IEC TS 27560:2023"
_STORED_IN: Final = "CN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Everything that is known of one consent."""

    consent: Consent
    notice: Notice
    notices: Notices
    text: TextShown
    decision: Decision
    events: Sequence[Event]
    #: How the customer is named to others; no particulars.
    principal_id: str


def record_of(source: Source) -> dict[str, Any]:
    """Return the record with its four sections, and what checks it."""
    consent = source.consent
    return {
        "header": {
            "schema_version": SCHEMA,
            "record_id": consent.record,
            "pii_principal_id": source.principal_id,
        },
        "pii_processing": _processing(source),
        "party_identification": [_party(party, source) for party in _parties(source)],
        "events": [_event(event, source) for event in source.events],
        "receipt": {
            "receipt_id": consent.record,
            "body": base64.b64encode(consent.body).decode(),
            "sha256": consent.sha256.hex(),
        },
    }


def _processing(source: Source) -> dict[str, Any]:
    consent, notice = source.consent, source.notice
    scope, text = notice.scope, notice.texts[consent.language]
    return {
        "privacy_notice": {
            "code": notice.code,
            "version": notice.version,
            "sha256": source.decision.text_sha256.hex(),
            "text": source.text.text,
        },
        "language": consent.language,
        "purposes": [
            {
                "purpose": text.purpose,
                "purpose_type": scope.purpose,
                "lawful_basis": notice.legal_basis,
                "pii_information": [
                    {"pii_type": kind, "pii_optional": False} for kind in sorted(scope.data)
                ],
                "is_optional": notice.is_optional,
                "pii_controllers": [source.notices.party(scope.controller).legal_id],
                "recipient_third_parties": sorted(
                    {consent.recipient}
                    | {source.notices.party(code).legal_id for code in scope.onward}
                ),
                "collection_method": source.decision.channel,
                "retention_period": f"P{consent.data_life_days}D",
                "use": scope.use.value,
                "uses_max": scope.uses_max,
                "per": None if scope.period_days is None else f"P{scope.period_days}D",
                "adverse_effect": text.parts.get(WARNING),
            }
        ],
        "processing_location": _STORED_IN,
        "jurisdiction": source.notices.party(scope.controller).jurisdiction,
        "withdrawal_method": text.parts["withdraw"],
        "privacy_rights": text.parts["rights"],
    }


def _parties(source: Source) -> list[Party]:
    scope = source.notice.scope
    codes = [scope.controller, scope.recipient, *sorted(scope.onward)]
    return [source.notices.party(code) for code in dict.fromkeys(codes)]


def _party(party: Party, source: Source) -> dict[str, Any]:
    return {
        "party_id": party.legal_id,
        "party_name": party.name(source.consent.language),
        "party_role": party.role,
        "party_address": party.address,
        "party_contact": party.contact,
    }


def _event(event: Event, source: Source) -> dict[str, Any]:
    consent = source.consent
    leaf = consent.leaf_id if event.kind is EventKind.GIVEN else event.leaf_id
    return {
        "event_no": event.event_no,
        "event_type": "explicit" if event.kind in {"given", "reconfirmed"} else "state",
        "event_state": event.kind.value,
        "event_time": instant(event.at),
        "entity_id": event.by,
        "use_no": event.use_no,
        "leaf_id": None if leaf is None else ids.to_text(ids.LEAF, leaf),
        "valid_until": instant(consent.not_after),
    }


def instant(seconds: int) -> str:
    """Return an instant as records and answers write it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
