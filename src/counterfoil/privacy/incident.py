"""An incident with personal data, as the fold of its events, and what has to be told of it.

Clocks      Authority and persons are told by hours after it was noticed; a clock that has run out
            stays to be seen, and the incident stays open until everything was done.
Closing     Needs containment, the authority told, and the persons told, or the reason why they
            need not be: measures that avoid the harm.
Notice      Kinds of data, cause, possible harm; measures taken and what a person can do; whom to
            ask. In Chinese and English.
Follows     PIPL article 57; the rule R033.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from counterfoil.kernel.errors import Refused, refuse
from counterfoil.privacy.masking import mask_free_text
from counterfoil.privacy.refusals import INCIDENT_CLOSED, INCIDENT_NOT_DONE, REASON_MISSING
from counterfoil.privacy.retention import load_schedule


class Cause(StrEnum):
    """What led to it."""

    INTRUSION = "intrusion"
    INSIDER = "insider"
    WRONG_RECIPIENT = "wrong_recipient"
    LOSS = "loss"
    DEFECT = "defect"
    PROCESSOR = "processor"


CAUSES: Final = {
    Cause.INTRUSION: ("他人未经授权侵入系统", "somebody broke into a system"),
    Cause.INSIDER: ("内部人员越权行为", "a member of staff went beyond their rights"),
    Cause.WRONG_RECIPIENT: ("信息被发送给错误的接收人", "data was sent to the wrong recipient"),
    Cause.LOSS: ("设备或介质遗失", "a device or medium was lost"),
    Cause.DEFECT: ("系统缺陷", "a defect of the system"),
    Cause.PROCESSOR: ("受托处理方发生事件", "an incident at an entrusted party"),
}


class IncidentAct(StrEnum):
    """What is done about it."""

    FOUND = "found"
    CONTAINED = "contained"
    REMEDIED = "remedied"
    AUTHORITY_TOLD = "authority_told"
    PERSONS_TOLD = "persons_told"
    NO_NOTICE = "no_notice"
    CLOSED = "closed"


#: Any of each has to be done before an incident is closed.
_NEEDED: Final = (
    (IncidentAct.CONTAINED,),
    (IncidentAct.AUTHORITY_TOLD,),
    (IncidentAct.PERSONS_TOLD, IncidentAct.NO_NOTICE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What happened, as it is known; texts in Chinese and English."""

    #: Classes of the retention schedule that are concerned.
    kinds: tuple[str, ...]
    cause: Cause
    #: How many persons; None while it is unknown.
    persons: int | None
    harm_zh: str
    harm_en: str
    #: What a person can do about it.
    advice_zh: str
    advice_en: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """One thing that was done."""

    event_no: int
    act: IncidentAct
    person: str
    note: str
    evidence_sha256: bytes | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident."""

    incident_id: int
    facts: Facts
    noticed_at: datetime
    recorded_at: datetime
    recorded_by: str
    authority_by: datetime
    persons_by: datetime
    events: tuple[IncidentEvent, ...] = ()

    def did(self, *acts: IncidentAct) -> bool:
        """Tell whether one of some things was done."""
        return any(event.act in acts for event in self.events)

    @property
    def is_open(self) -> bool:
        """Tell whether something is left to do."""
        return not self.did(IncidentAct.CLOSED)

    @property
    def missing(self) -> tuple[str, ...]:
        """Return what has to be done before it is closed."""
        return tuple(acts[0].value for acts in _NEEDED if not self.did(*acts))

    def is_late(self, now: datetime) -> bool:
        """Tell whether a clock has run out before its notice was given."""
        persons = self.did(IncidentAct.PERSONS_TOLD, IncidentAct.NO_NOTICE)
        return (now > self.authority_by and not self.did(IncidentAct.AUTHORITY_TOLD)) or (
            now > self.persons_by and not persons
        )


def refuse_step(incident: Incident, act: IncidentAct, note: str) -> Refused | None:
    """Return why a step may not be taken; None where it may."""
    if not incident.is_open:
        return refuse(INCIDENT_CLOSED)
    if not note.strip():
        return refuse(REASON_MISSING)
    if act is IncidentAct.CLOSED and incident.missing:
        return refuse(INCIDENT_NOT_DONE, missing=", ".join(incident.missing))
    return None


def notice_draft(incident: Incident) -> dict[str, str]:
    """Return the notice to persons and authority, by language, with everything it must say."""
    facts = incident.facts
    classes = load_schedule().classes
    taken = [
        event.note
        for event in incident.events
        if event.act in (IncidentAct.CONTAINED, IncidentAct.REMEDIED)
    ]
    day = incident.noticed_at.date().isoformat()
    zh = [
        f"个人信息安全事件告知（{day} 发现）",
        f"涉及的信息种类：{'、'.join(classes[code].name_zh for code in facts.kinds)}",
        f"原因：{CAUSES[facts.cause][0]}",
        f"涉及人数：{facts.persons if facts.persons is not None else '尚未查明'}",
        f"可能造成的危害：{mask_free_text(facts.harm_zh)}",
        f"已采取的补救措施：{'；'.join(taken) or '正在处置'}",
        f"您可以采取的减轻危害的措施：{mask_free_text(facts.advice_zh)}",
        f"联系方式：{facts.contact}",
    ]
    en = [
        f"Notice of an incident with personal information (noticed {day})",
        f"Kinds of information: {', '.join(classes[code].name_en for code in facts.kinds)}",
        f"Cause: {CAUSES[facts.cause][1]}",
        f"Persons concerned: {facts.persons if facts.persons is not None else 'not known yet'}",
        f"Possible harm: {mask_free_text(facts.harm_en)}",
        f"Measures taken: {'; '.join(taken) or 'under way'}",
        f"What you can do: {mask_free_text(facts.advice_en)}",
        f"Contact: {facts.contact}",
    ]
    return {"zh": "\n".join(zh), "en": "\n".join(en)}
