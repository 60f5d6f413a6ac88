"""What a request for approval would do, in the reader's language.

A summary is stored in English as whoever asked wrote it. Those that the house writes itself have
one of the shapes below; their parts are filled into the reader's sentence. Any other text, such as
a program's, is shown as it was written: nothing of it may be lost.
"""

import re
from typing import Final

from counterfoil.console import words
from counterfoil.console.visit import Visit

_SHAPE_TEXTS: Final = {
    "line_reduction": r"(?P<ruling>\S+) by the case (?P<case>\S+)",
    "policy": r"policy (?P<code>\S+) (?P<version>\S+) for (?P<for_purpose>\S+), (?P<hash>\S+)",
    "policy_from": r"policy (?P<code>\S+) (?P<version>\S+) for (?P<for_purpose>\S+),"
    r" (?P<hash>\S+), from (?P<instant>\S+)",
    "debit": r"debit (?P<debit>\S+) (?P<outcome>\S+)",
    "received_returned": r"money received (?P<received>\S+) was sent back",
    "received_claimed": r"money received (?P<received>\S+) is claimed of whoever got it",
    "received_lost": r"money received (?P<received>\S+) is a loss",
    "received_pays": r"money received (?P<received>\S+) pays the claim from (?P<reference>\S+)",
    "received_placed": r"money received (?P<received>\S+) belongs to (?P<reference>\S+)",
    "rails": r"(?P<state>closed|open): all payment rails",
    "promotion": r"promotion (?P<code>\S+): (?P<percent>\S+) % off from (?P<first>\S+) to"
    r" (?P<last>\S+), up to (?P<budget>.+) and (?P<uses>\S+) uses, paid by the (?P<funder>\S+)",
    "model": r"model (?P<code>\S+) (?P<version>\S+), (?P<hash>\S+), validation (?P<verdict>\S+)",
    "model_accepted": r"model (?P<code>\S+) (?P<version>\S+), (?P<hash>\S+),"
    r" validation (?P<verdict>\S+), accepted: (?P<accepted>.+)",
    "snooze": r"suppress (?P<rule>\S+) of (?P<for_purpose>\S+) for (?P<customer>\S+),"
    r" (?P<days>\d+) days",
    "experiment": r"experiment (?P<code>\S+) \((?P<kind_of_experiment>\S+), (?P<for_purpose>\S+)\),"
    r" (?P<first>\S+) to (?P<last>\S+), (?P<shares>.+), (?P<hash>\S+)",
    "source": r"switch on (?P<source>\S+) under (?P<licence>.+)",
    "merge": r"merge (?P<customer>\S+) into (?P<survivor>\S+)",
    "split": r"split (?P<customer>\S+) off from (?P<survivor>\S+)",
    "registry": r"registry of features (?P<hash>\S+), (?P<changes>\d+) changes",
    "template": r"contract template (?P<ref>\S+) from (?P<first>\S+), (?P<clauses>\d+) clauses,"
    r" (?P<hash>\S+)",
    "template_end": r"retire contract template (?P<ref>\S+) from (?P<first>\S+)",
    "campaign": r"invite at most (?P<quota>\d+) to (?P<product>\S+) until (?P<last>\S+),"
    r" by (?P<how>[^:]+): (?P<titles>.+)",
    "host": r"host (?P<code>\S+), (?P<first>\S+) to (?P<last>\S+), products (?P<products>.+),"
    r" purposes (?P<purposes>.+), origins (?P<origins>.+)",
    "correction": r"correct the (?P<about>.+) of (?P<customer>\S+) for (?P<request>\S+)",
    "payee": r"pay (?P<name>.+) of the scene (?P<scene>\S+) at (?P<payee>\S+)",
    "attribute": r"(?P<attribute>[a-z_]+) (?P<value>.+) for (?P<holder>\S+) until (?P<last>\S+)",
    "key": r"Change the (?P<sort>\S+) key away from (?P<old>\S+)\.",
    "erasure": r"Erase (?P<data>.+) of (?P<customer>\S+)\.",
    "notice": r"notice to (?P<lines>\d+) lines of (?P<product>[^ :]+)"
    r"(?: under version (?P<version>\d+))?: from (?P<first>[^ ,]+)"
    r"(?:, terms of version (?P<terms>\d+))?(?:, (?P<rate>\d+) e-8 a day)?",
    "export": r"Export (?P<data>\S+) to (?P<recipient>.+) for (?P<why>.+),"
    r" under (?P<assessment>\S+)\.",
}
#: Which shapes a kind of request can have: no text is ever taken for another kind's.
OF_KIND: Final = {
    "agreement_notice": ("notice",),
    "attribute": ("attribute",),
    "campaign": ("campaign",),
    "contract_template": ("template", "template_end"),
    "data_export": ("export",),
    "erasure": ("erasure",),
    "experiment": ("experiment",),
    "feature_registry": ("registry",),
    "host_registration": ("host",),
    "index_rotation": ("key",),
    "key_rotation": ("key",),
    "line_reduction": ("line_reduction",),
    "model_approval": ("model", "model_accepted"),
    "payment_case": ("debit",),
    "payment_rails": ("rails",),
    "personal_correction": ("correction",),
    "policy_publication": ("policy", "policy_from"),
    "promotion": ("promotion",),
    "received_payment": (
        *("received_returned", "received_placed"),
        *("received_claimed", "received_lost", "received_pays"),
    ),
    "record_link": ("merge", "split"),
    "rule_snooze": ("snooze",),
    "scene_payee": ("payee",),
    "source_switch": ("source",),
}
SHAPES: Final = {name: re.compile(text) for name, text in _SHAPE_TEXTS.items()}
#: Parts that are codes with words of their own.
CODED: Final = {
    "ruling": "summary_word",
    "outcome": "summary_word",
    "scene": "summary_word",
    "state": "summary_word",
    "verdict": "summary_word",
    "for_purpose": "policy_purpose",
    "kind_of_experiment": "experiment_kind",
    "source": "feature_source",
}


def summary_in_words(visit: Visit, kind: str, summary: str) -> str:
    """Return a stored summary in the reader's language, or as it is where it has no known shape."""
    for name in OF_KIND.get(kind, ()):
        if found := SHAPES[name].fullmatch(summary):
            parts = {part: _word(visit, part, text) for part, text in found.groupdict().items()}
            return visit.t(f"approval_shape.{name}", **parts)
    return summary


def _word(visit: Visit, part: str, text: str | None) -> str:
    if text is None:
        return "—"
    if part == "product":
        return words.product_name(visit, text)
    return words.code_label(visit, CODED[part], text) if part in CODED else text
