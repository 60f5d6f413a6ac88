"""Both languages are complete: no message is missing, none is left over, placeholders agree."""

import ast
import re
import string
from importlib import resources
from pathlib import Path

import pytest

from counterfoil.bureau.inquiry import State as InquiryState
from counterfoil.capacity.ceiling import shipped_ceilings
from counterfoil.capacity.exposure import HOUSEHOLD_EXPOSURE, MEASURES
from counterfoil.capacity.guard import GuardOutcome, Occasion
from counterfoil.capacity.inventory import DebtKind
from counterfoil.consents.notice import Level
from counterfoil.consents.state import EventKind
from counterfoil.consents.state import Status as ConsentStatus
from counterfoil.console import approval_words, words
from counterfoil.console.access import ROLES, Permission
from counterfoil.console.frame import THEMES
from counterfoil.console.pages import (
    agreement_notices,
    applications,
    calls,
    contact_cases,
    contract_templates,
    corrections,
    days,
    line_appeals,
    line_review_cases,
    lines,
    loans,
    payment_cases,
    payments,
    person_rights,
    prices,
    quarantine,
    rails,
    receipts,
    received,
    search,
)
from counterfoil.contracts.change import Change
from counterfoil.contracts.contract import State
from counterfoil.contracts.document import Kind
from counterfoil.contracts.template import Authentication
from counterfoil.customers import record_link, verification_policy
from counterfoil.customers.call_back import About, Slot
from counterfoil.customers.customer import CustomerStatus
from counterfoil.customers.message_port import Outcome
from counterfoil.customers.setting import Channel, Setting, StatementForm
from counterfoil.customers.verification import CheckOutcome, Want
from counterfoil.decisioning import refusals as decisioning
from counterfoil.decisioning.evaluate import Verdict
from counterfoil.decisioning.experiment import ExperimentKind, Metric
from counterfoil.decisioning.experiment_store import EventKind as ExperimentEvent
from counterfoil.decisioning.line_review.measure import Kind as MeasureKind
from counterfoil.decisioning.line_review.measure import Status as MeasureStatus
from counterfoil.decisioning.line_review.review import ReviewOutcome
from counterfoil.decisioning.policy_parts import Action
from counterfoil.decisioning.review import State as ReviewState
from counterfoil.evidence import publisher
from counterfoil.evidence.leaf import LeafType
from counterfoil.features.admission import HELD_REASONS
from counterfoil.features.correction import Remedy
from counterfoil.features.quality import Effect
from counterfoil.features.quality import Kind as CheckKind
from counterfoil.hosts.delivery import DeliveryState
from counterfoil.hosts.host import HostPurpose
from counterfoil.journeys.admitting import staff_rights
from counterfoil.journeys.applying.funnel import GROUPS, STEPS
from counterfoil.journeys.cases import ASSIGNED
from counterfoil.journeys.contracting.agreement_changes import Standing, Way
from counterfoil.journeys.deciding.policies import SHIPPED
from counterfoil.journeys.deciding.review_figures import Conclusion
from counterfoil.journeys.knowing.facts import Quality
from counterfoil.journeys.knowing.report_lineage import Report
from counterfoil.kernel.errors import Refusal
from counterfoil.kernel.language import Language
from counterfoil.lending import refusals as lending
from counterfoil.lending.fees import GUARANTOR
from counterfoil.lending.monthly_statement import CORRECTING
from counterfoil.lending.product_file import LICENCES
from counterfoil.lending.promotion import FUNDERS
from counterfoil.lending.settlement import SettlementState
from counterfoil.lending.sheet_change import CAUSES
from counterfoil.lending.terms import FeeBasis, FeeTiming, Method, Prepayment
from counterfoil.models.registry import State as ModelState
from counterfoil.models.registry import Step
from counterfoil.models.thresholds import Level as AlarmLevel
from counterfoil.payments.debit import DebitStatus
from counterfoil.payments.rail_terms import RailKind
from counterfoil.payments.received import ReceivedCause, ReceivedStatus
from counterfoil.payments.reconciliation import DifferenceCause
from counterfoil.payments.routing import Obstacle
from counterfoil.platform.access_matrix import QUEUES
from counterfoil.platform.web.i18n import Catalogue, load_catalogues
from counterfoil.privacy import refusals as privacy
from counterfoil.privacy.rights import Right, RightsState
from counterfoil.privacy.vault import Purpose
from counterfoil.rules.pack import EVERY_LICENCE, QUESTIONS

SOURCE = Path(__file__).parents[2] / "src" / "counterfoil"
FOLDERS = [
    resources.files("counterfoil.platform.web").joinpath("locale"),
    resources.files("counterfoil.console").joinpath("locale"),
]
CATALOGUES = load_catalogues(FOLDERS)

ALARMS = (
    *(publisher.ROOT_DIFFERS, publisher.WITNESS_AHEAD, publisher.FORK),
    *(publisher.WITNESS_FAULTY, publisher.WITNESS_ABSENT),
)

#: Families of codes: every code that can be stored has its word. A family in which a later
#: release, or a simulated world, may know further codes falls back to the code itself.
CLOSED_FAMILIES = {
    "loan_status": loans.STATUSES,
    "line_status": (*lines.STATUSES, "expired"),
    "line_blocked": ("frozen", "suspended", "closed", "expired"),
    "application_status": applications.STATUSES,
    "approval_shape": tuple(approval_words.SHAPES),
    "template_kind": tuple(kind.value for kind in Kind if kind is not Kind.SIGNING_RECORD),
    "template_state": contract_templates.STATES,
    "agreement_notice_state": agreement_notices.STATES,
    "payment_status": payments.STATUSES,
    "consent_event": tuple(kind.value for kind in EventKind),
    "call_about": tuple(about.value for about in About),
    "call_slot": tuple(slot.value for slot in Slot),
    "call_status": ("waiting", "taken", "late"),
    "call_step": calls.STEPS,
    "contact_status": ("open", "taken", "late", "told", "sent_again", "unreachable"),
    "contact_step": contact_cases.STEPS,
    "look_conclusion": tuple(one.value for one in Conclusion),
    "consent_level": tuple(level.value for level in Level),
    "consent_status": tuple(status.value for status in ConsentStatus),
    "agreement_change": tuple(change.value for change in Change),
    "change_standing": tuple(standing.value for standing in Standing),
    "change_way": tuple(way.value for way in Way),
    "contract_status": tuple(state.value for state in State),
    "debit_status": tuple(status.value for status in DebitStatus),
    "settlement_state": tuple(state.value for state in SettlementState),
    "message_outcome": tuple(outcome.value for outcome in Outcome),
    "message_status": ("queued", "sent", "delivered", "undeliverable", "withdrawn"),
    "setting_channel": tuple(channel.value for channel in Channel),
    "setting_kind": tuple(setting.value for setting in Setting),
    "statement_form": tuple(form.value for form in StatementForm),
    "authentication": tuple(level.value for level in Authentication),
    "signed_language": tuple(language.value for language in Language),
    "customer_status": tuple(status.value for status in CustomerStatus),
    "method": tuple(method.value for method in Method),
    "prepayment": tuple(mode.value for mode in Prepayment),
    "verdict": tuple(verdict.value for verdict in Verdict),
    "rule_action": tuple(action.value for action in Action),
    "record_link": tuple(step.value for step in record_link.Step),
    "role": tuple(ROLES),
    "trait_quality": tuple(quality.value for quality in Quality),
    "data_effect": tuple(effect.value for effect in Effect),
    "data_check": tuple(kind.value for kind in CheckKind),
    "held_reason": HELD_REASONS,
    "host_state": ("active", "stopped", "not_begun", "ended"),
    "host_purpose": tuple(HostPurpose),
    "notice_state": tuple(DeliveryState),
    "left_out": (
        *("beyond_quota", "has_the_product", "invited_already", "no_consent"),
        *("not_active", "not_meant", "not_the_hosts", "opted_out"),
    ),
    "notice_outcome": (
        *("delivered", "status", "timeout", "unreachable", "origin", "secret", "assessment"),
    ),
    "theme": THEMES,
    "close_step": days.STEPS,
    "close_status": ("finished", "running"),
    "record": tuple(search._KINDS),
    "reveal_purpose": tuple(purpose.value for purpose in Purpose),
    "transaction": (
        *("disbursement", "repayment", "reversal", "reallocation", "redating", "replan"),
        "payout_returned",
    ),
    "promotion_state": tuple(prices.STATES),
    "promotion_funder": FUNDERS,
    "fee_timing": tuple(timing.value for timing in FeeTiming),
    "fee_basis": tuple(basis.value for basis in FeeBasis if basis is not FeeBasis.FIXED),
    "fee_payee": ("lender", GUARANTOR),
    "sheet_cause": ("drawdown", *CAUSES.values()),
    "statement_reason": ("month_end", *sorted(CORRECTING)),
    "statement_figure": (
        *("opening_principal", "lent", "principal_paid", "interest_paid", "penalty_paid"),
        *("fees_paid", "excess", "closing_principal", "due_unpaid"),
    ),
    "instalment_status": ("settled", "due", "late", "planned"),
    "direction": ("in", "out"),
    "language_short": ("en", "zh-CN"),
    "language_title": ("en", "zh-CN"),
    "tone": ("good", "warn", "bad", "live", "none"),
    "payment_act": ("check", "send", "ask", "verify"),
    "payment_answer": (
        "payee_matches",
        *("paid", "declined", "returned", "pending", "not_seen", "conflict", "no_answer"),
    ),
    "obstacle": tuple(obstacle.value for obstacle in Obstacle),
    "rail_kind": tuple(kind.value for kind in RailKind),
    "rail_state": tuple(rails.STATES),
    "rail_switch": rails.SWITCHES,
    "payment_resolution": payment_cases.RESOLUTIONS,
    "suspense": (
        *("not_on_statement", "wrong_amount", "reference_conflict", "late_reversal"),
        *("contradiction", "books_refused"),
    ),
    "line_action": tuple(f"{name}{end}" for name, *_ in lines.ACTIONS for end in ("", "_intro")),
    "answer": ("yes", "no"),
    "event": ("applied", "decided", "line", "transaction", "revealed"),
    "done": (
        *(
            "repaid",
            "reversed",
            "limit_changed",
            "limit_planned",
            *("line_offered", "line_reviewed"),
            "line_frozen",
            "line_unfrozen",
            "day_closed",
        ),
        "consent_withdrawn",
        *(
            "approval_decided",
            "appeal_decided",
            "line_case_asked",
            "line_case_decided",
            "review_concluded",
            "review_assigned",
        ),
        *("rail_switched", "rail_asked", "case_proposed", "case_approved"),
        *("snooze_asked", "snooze_given", "rights_confirmed", "emergency_reviewed"),
        *corrections.DONE,
        *quarantine.DONE,
    ),
    "appeal_outcome": line_appeals.OUTCOMES,
    "remedy": tuple(remedy.value for remedy in Remedy),
    "remedy_end": corrections.ENDS,
    "quarantine_end": quarantine.ENDS,
    "report": tuple(report.value for report in Report),
    "line_ruling": line_review_cases.RULINGS,
    "line_case_status": ("open", "taken", "late", "decided"),
    "line_case_asks": ("close", "look"),
    "appeal_status": ("open", "late"),
    "measure_kind": tuple(kind.value for kind in MeasureKind),
    "measure_status": tuple(status.value for status in MeasureStatus),
    "emergency_finding": ("open", *staff_rights.FINDINGS),
    "right_state": tuple(state.value for state in staff_rights.RightState),
    "approval_status": ("open", "approved", "refused", "expired"),
    "cap_status": ("tripped", "clear"),
    "policy_purpose": (*SHIPPED, "line_review"),
    "policy_source": ("published", "shipped"),
    "model_status": tuple(state.value for state in ModelState),
    "model_step": tuple(step.value for step in Step),
    "model_level": tuple(level.value for level in AlarmLevel),
    "model_notice": tuple(
        f"{name}_{end}" for name in ("validation", "approval") for end in ("expires", "expired")
    ),
    "experiment_kind": tuple(kind.value for kind in ExperimentKind),
    "experiment_metric": tuple(metric.value for metric in Metric),
    "experiment_state": tuple(kind.value for kind in ExperimentEvent),
    "experiment_swap": ("both", "swapped_in", "swapped_out", "neither"),
    "difference_cause": tuple(cause.value for cause in DifferenceCause),
    "funnel_step": STEPS,
    "funnel_group": GROUPS,
    "review_outcome": tuple(outcome.value for outcome in ReviewOutcome),
    "review_status": tuple(state.value for state in ReviewState),
    "person_right_kind": tuple(kind.value for kind in Right),
    "person_right_state": tuple(state.value for state in RightsState),
    "person_right_step": person_rights.STEPS,
    "incident_left": ("contained", "authority_told", "persons_told"),
    "incident_state": ("open", "late", "closed"),
    "return_status": ("requested", "paid", "failed", "bounced"),
    "leaf_type": tuple(kind.name.lower() for kind in LeafType),
    "leaf_status": ("witnessed", "pending"),
    "inquiry_status": tuple(state.value for state in InquiryState),
    "guard_outcome": tuple(outcome.value for outcome in GuardOutcome),
    "identity_act": tuple(act.value for act in verification_policy.Act),
    "identity_check": tuple(kind.value for kind in verification_policy.CheckKind),
    "identity_outcome": tuple(outcome.value for outcome in CheckOutcome),
    "identity_want": tuple(want.value for want in Want),
    "identity_state": ("ready", "waits"),
    "licence": (EVERY_LICENCE, *LICENCES),
    "permission": tuple(permission.value for permission in Permission),
    "rule_question": tuple(QUESTIONS),
    "scene_state": ("open", "stopped", "closed"),
    "scene_claim": ("owed", "overdue", "settled"),
    "received_status": tuple(ReceivedStatus),
    "received_cause": tuple(ReceivedCause),
    "received_choice": received.CHOICES,
    "identity_case": (
        "registered_again",
        *(f"{kind.value}_of_another" for kind in verification_policy.CheckKind),
    ),
    "case_kind": (ASSIGNED, *sorted(QUEUES)),
    "guard_occasion": tuple(occasion.value for occasion in Occasion),
    "ceiling": tuple(dict.fromkeys(item.code for item in shipped_ceilings().ceilings)),
    "ceiling_end": ("hard", "soft"),
    "debt_source": (*(kind.value for kind in DebtKind), "statements", "documents"),
    "debt_measure": (*MEASURES, HOUSEHOLD_EXPOSURE),
    "alarm": ALARMS,
    "alarm_step": ALARMS,
}
OPEN_FAMILIES = {
    *("bound", "channel", "customer_language", "decided_by", "environment", "feature_source"),
    *("inquiry_purpose", "journal", "line_event", "purpose", "reason", "registry_report"),
    *("authentication_method", "data_owner", "scene_document", "summary_word", "trail_act"),
    *("notice_passed", "template_report"),
}
#: Keys put together at run time: pattern of the code → the keys it makes.
MADE = {
    "evidence.{name}": [
        f"evidence.{name}{end}"
        for name in ("witnessed", "cosigned", "waiting", "alarms")
        for end in ("", "_definition")
    ],
    "evidence.{unit}": [
        f"evidence.{name}" for name in ("days", "hours", "minutes", "late", "oldest")
    ],
    "evidence.quorum": ["evidence.quorum_met", "evidence.quorum_not_met"],
    "templates.{name}": [
        f"templates.{name}{end}"
        for names, ends in (
            (("head", "text_zh", "text_en"), ("", "_hint")),
            (("propose", "publish", "retire"), ("_title", "_intro")),
        )
        for name in names
        for end in ends
    ],
    "notices.{name}": [
        *(
            f"notices.{name}{end}"
            for name in ("of_version", "product_version", "rate")
            for end in ("", "_hint")
        ),
        *("notices.annual", "notices.cost"),
    ],
    "receipt.why_not": [*receipts.WHY_NOT.values()],
    "inquiry.{name}": [
        f"inquiry.{name}" for name in ("intent", "outcome", "hard", "soft", "reused", "by_consent")
    ],
    "error.{name}": [
        f"error.{name}.{part}"
        for name in (
            *("not_found", "forbidden", "foreign_post", "not_allowed_here", "too_large", "failed"),
        )
        for part in ("title", "text", "next_step")
    ],
    "gallery.{name}": [
        f"gallery.{name}"
        for name in ("lines", "heat", "bars", "steps", "waterfall", "funnel", "nothing")
    ],
    "{kind}.action": [
        f"{kind}.{part}" for kind in ("repay", "reverse") for part in ("action", "intro")
    ],
    "{case}": ["case.nothing"],
    "links.{name}": [f"links.{name}{end}" for name in ("merge", "split") for end in ("", "_intro")],
    "payment.way_{way}": [f"payment.way_{way}" for way in payments.WAYS_OUT],
    "review.{name}": [
        f"review.{name}{end}" for name in ("assign", "decide") for end in ("", "_intro")
    ],
    "review.{outcome}": [f"review.{outcome}" for outcome in ("uphold", "overturn", "withdraw")],
    "nav.{name}": [
        f"nav.{name}"
        for name in (
            *("operations", "money", "overview", "applications", "customers", "lines", "loans"),
            *("quality", "payments", "days", "ledger", "compliance", "consents", "messages"),
            *("approvals", "trail", "evidence", "funnel", "reconciliation", "models", "reviews"),
        )
    ],
}


#: A message that is asked for, and the one instead of it.
_ASKED = r"""\bt\(\s*["']([a-z0-9_.]+)["'](?:\s+if\s+[^"']+\s+else\s+["']([a-z0-9_.]+)["'])?"""


def _files() -> list[Path]:
    roots = [SOURCE / "console", SOURCE / "platform" / "web"]
    return [path for root in roots for end in ("html", "py") for path in root.rglob(f"*.{end}")]


def _used() -> set[str]:
    """Return the keys that stand in templates and modules, and those that are made."""
    keys = {key for made in MADE.values() for key in made}
    keys |= {f"{family}.{code}" for family, codes in CLOSED_FAMILIES.items() for code in codes}
    for path in _files():
        text = path.read_text(encoding="utf-8")
        for pair in re.findall(_ASKED, text):
            keys |= set(filter(None, pair))
        if path.suffix == ".py":
            keys |= _refused(text)
    return keys


def _refused(text: str) -> set[str]:
    """Return the messages of field errors and the amount labels of previews."""
    keys = set()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "done":  # what an act says on the page that it leads to
            keys |= {f"done.{word.value!s}" for word in node.args if isinstance(word, ast.Constant)}
        place = {"refuse": 1, "amount": 0}.get(name)
        if place is not None and len(node.args) > place:
            value = node.args[place]
            if (
                isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and "." in value.value
            ):
                keys.add(value.value)
    return keys


def _there(catalogue: Catalogue) -> set[str]:
    return {key.removesuffix(".one").removesuffix(".other") for key in catalogue.messages}


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_no_message_is_missing(language: str) -> None:
    # The word "other" is also a purpose of a loan, so keys are compared in both forms.
    catalogue = CATALOGUES[language]
    missing = {key for key in _used() if not catalogue.has(key)} - _there(catalogue)
    assert missing == set()


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_no_message_is_left_over(language: str) -> None:
    used = _used()
    left = {
        key
        for key in CATALOGUES[language].messages
        if key not in used
        and key.removesuffix(".one").removesuffix(".other") not in used
        and key.partition(".")[0] not in OPEN_FAMILIES | {"refusal"}
    }
    assert left == set()


def test_both_languages_have_the_same_messages() -> None:
    english = {key for key in CATALOGUES["en"].messages if not key.endswith(".one")}
    chinese = {k for k in CATALOGUES["zh-CN"].messages if not k.startswith("refusal.")}
    assert english == chinese


def test_the_same_values_are_filled_in_in_both_languages() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = CATALOGUES["en"].messages, CATALOGUES["zh-CN"].messages
    for key in english.keys() & chinese.keys():
        assert places(english[key]) == places(chinese[key]), key


def test_chinese_text_has_chinese_punctuation() -> None:
    for key, text in CATALOGUES["zh-CN"].messages.items():
        assert not re.search(r"[\u4e00-\u9fff][,;:!?]", text), key
        assert not re.search(r"[\u4e00-\u9fff]\.(?:\s|$)", text), key


def test_refusals_that_are_translated_exist() -> None:
    codes = {
        value.code
        for module in (lending, privacy, decisioning)
        for value in vars(module).values()
        if isinstance(value, Refusal)
    }
    translated = {
        key.removeprefix("refusal.")
        for key in CATALOGUES["zh-CN"].messages
        if key.startswith("refusal.")
    }
    assert translated <= codes


def test_no_template_and_no_module_writes_chinese_outside_the_catalogues() -> None:
    allowed = {"format.py", "forms.py", "charts_of_book.py"}
    for path in _files():
        if path.name in allowed:
            continue
        found = re.search(r"[\u4e00-\u9fff]", path.read_text(encoding="utf-8"))
        assert found is None, path


def test_tones_belong_to_states_that_exist() -> None:
    for tones, family in (
        (words.LOAN_TONES, "loan_status"),
        (words.LINE_TONES, "line_status"),
        (words.PAYMENT_TONES, "payment_status"),
        (words.APPLICATION_TONES, "application_status"),
    ):
        assert set(tones) <= set(CLOSED_FAMILIES[family])
