"""What publishing or retiring a version of a template would mean, for the two people who do it.

Told        What holds for each product instead, clause by clause in both languages and value by
            value; how many lines run and under which version their agreements were signed; figures
            that stand in the words themselves; and everything that stands in the way, trial
            documents of each product, method and scene among it.
Invariant   The report is canonical: the same findings give the same bytes, and those are approved.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from counterfoil.contracts import template_store as store
from counterfoil.contracts.change import difference
from counterfoil.contracts.shelf import Proposal, Shelf, UnknownTemplateError
from counterfoil.contracts.template import Template, files_of
from counterfoil.contracts.text import lines_with_figures
from counterfoil.journeys.contracting.templates import retired_from
from counterfoil.journeys.contracting.trial_documents import faults_of_trial
from counterfoil.journeys.house import House
from counterfoil.kernel.language import Language
from counterfoil.lending.catalogue import UnknownProductError
from counterfoil.lending.selection_store import count_lines
from counterfoil.platform.database import Connection

#: Stands where no version holds.
NOTHING: Final = ""
#: What is compared besides words and texts.
_MEMBERS: Final = (
    "effective_from", "retired_on", "lender_id", "products", "authentication_least", "notice_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateWish:
    """A version to be published, or with a day to be retired."""

    proposal: Proposal
    #: The day from which nothing new is made from it; None to publish it.
    retired_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What new documents of a product are made from, before and after."""

    product_code: str
    before: Template | None
    after: Template | None
    #: Lines of the product that are not closed.
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReport:
    """What both persons read."""

    wish: TemplateWish
    standings: tuple[Standing, ...]
    agreements: tuple[store.Agreements, ...]
    #: Place and reason of what stands in the way.
    faults: tuple[tuple[str, str], ...]
    #: Documents of the versions that are compared, by their reference.
    documents: dict[str, bytes]

    @property
    def instead_of(self) -> str:
        """Return what stands for each product before and after, as one text."""
        return instead_of(self.standings)

    def document(self) -> dict[str, Any]:
        """Return the report as it is kept and approved."""
        template, ends = self.wish.proposal.template, self.wish.retired_on
        pairs = _pairs(self.standings)
        return {
            "act": "publication" if ends is None else "retirement",
            "template": template.ref,
            "template_sha256": self.wish.proposal.sha256,
            "kind": template.kind.value,
            "lender": template.lender_id,
            "effective_from": template.effective_from.isoformat(),
            "retired_on": _text(retired_from(template, ends).retired_on),
            "notice_days": template.notice_days,
            "products": [
                {
                    "product": one.product_code,
                    "before": _ref(one.before),
                    "after": _ref(one.after),
                    "lines": one.lines,
                }
                for one in self.standings
            ],
            "values": [row for pair in pairs for row in _values(*pair)],
            "texts": [row for pair in pairs for row in self._texts(*pair)],
            "agreements": [one._asdict() for one in self.agreements],
            "figures": list(_figures(template)),
            "faults": [{"place": place, "reason": reason} for place, reason in self.faults],
        }

    def _texts(self, before: Template | None, after: Template | None) -> Iterator[dict[str, Any]]:
        for language in Language:
            told = difference(
                self._source(before, language), self._source(after, language), language
            )
            for clause in told.clauses:
                yield {
                    "before_template": _ref(before),
                    "after_template": _ref(after),
                    "language": language.value,
                    "heading": clause.heading,
                    "before": list(clause.before),
                    "after": list(clause.after),
                }

    def _source(self, template: Template | None, language: Language) -> str:
        if template is None:
            return ""
        return files_of(self.documents[template.ref])[f"{language}.md"].decode()


async def gate(house: House, connection: Connection, wish: TemplateWish) -> TemplateReport:
    """Return what a publication or a retirement would mean."""
    template, today = wish.proposal.template, await house.business_date()
    standings = [
        Standing(
            product_code=product,
            before=before,
            after=after,
            lines=await count_lines(connection, product, None),
        )
        for product, before, after in standing(house, wish, today)
    ]
    documents = {template.ref: wish.proposal.document}
    for other in (one for each in standings for one in (each.before, each.after)):
        if other is not None and other.ref not in documents:
            [document, *_] = await store.read_documents(connection, other.code, other.version)
            documents[other.ref] = document
    counted = await store.agreements_by_template(connection, template.lender_id, template.products)
    return TemplateReport(
        wish=wish,
        standings=tuple(standings),
        agreements=tuple(counted),
        faults=tuple(_faults(house, wish, today)),
        documents=documents,
    )


def standing(
    house: House, wish: TemplateWish, today: date
) -> list[tuple[str, Template | None, Template | None]]:
    """Return for each product what holds on the day it changes, before and after."""
    template, ends = wish.proposal.template, wish.retired_on
    on = max(today, template.effective_from if ends is None else ends)
    others = [one for one in house.shelf.published() if one.ref != template.ref]
    present = [one for one in house.shelf.published() if one.ref == template.ref]
    changed = [template] if ends is None else [retired_from(one, ends) for one in present]
    before, after = Shelf([*others, *present]), Shelf([*others, *changed])
    return [
        (product, _current(before, template, product, on), _current(after, template, product, on))
        for product in template.products
    ]


def instead_of(standings: tuple[Standing, ...]) -> str:
    """Return what stands for each product before and after, as one text."""
    return "; ".join(
        f"{one.product_code}: {_ref(one.before)} > {_ref(one.after)}" for one in standings
    )


def _current(shelf: Shelf, template: Template, product: str, on: date) -> Template | None:
    try:
        return shelf.current(
            template.kind, product_code=product, lender_id=template.lender_id, on=on
        )
    except UnknownTemplateError:
        return None


def _faults(house: House, wish: TemplateWish, today: date) -> Iterator[tuple[str, str]]:
    template = wish.proposal.template
    if wish.retired_on is not None:
        if wish.retired_on < today:
            yield template.ref, "cannot end before today"
        return
    yield from _against_published(house, template)
    if template.retired_on is not None and template.retired_on <= today:
        yield template.ref, "has ended already"
    for product, _, after in standing(house, wish, today):
        if after is not None and after.ref != template.ref:
            yield product, f"{after.ref} begins later and would go on to hold"
    on = max(today, template.effective_from)
    for product in template.products:
        yield from ((product, reason) for reason in _of_product(house, template, product, on))


def _against_published(house: House, template: Template) -> Iterator[tuple[str, str]]:
    for one in house.shelf.published():
        if one.ref == template.ref and one.content_sha256 != template.content_sha256:
            yield template.ref, "was published with other content; raise the version"
        if one.code == template.code and one.kind is not template.kind:
            yield template.ref, f"is a {template.kind}, and {one.ref} is a {one.kind}"


def _of_product(house: House, template: Template, product: str, on: date) -> list[str]:
    """Return why documents of a product cannot be made from a version."""
    try:
        terms = house.catalogue.current(product, on)
    except UnknownProductError:
        return [f"is no product on {on}"]
    if terms.lender_id != template.lender_id:
        return [f"has the lender of record {terms.lender_id}"]
    return faults_of_trial(template, terms, house.catalogue, house.ids, on=on)


def _pairs(standings: tuple[Standing, ...]) -> list[tuple[Template | None, Template | None]]:
    """Return the different pairs of what held and would hold."""
    found = {
        (_ref(one.before), _ref(one.after)): (one.before, one.after)
        for one in standings
        if _ref(one.before) != _ref(one.after)
    }
    return [found[key] for key in sorted(found)]


def _values(before: Template | None, after: Template | None) -> Iterator[dict[str, str]]:
    """Yield the values that differ, words for codes among them."""
    left, right = _members(before), _members(after)
    for member in sorted({*left, *right}):
        was, now = left.get(member, NOTHING), right.get(member, NOTHING)
        if was != now:
            yield {
                "before_template": _ref(before),
                "after_template": _ref(after),
                "member": member,
                "before": was,
                "after": now,
            }


def _members(template: Template | None) -> dict[str, str]:
    if template is None:
        return {}
    found = {name: _text(getattr(template, name)) for name in _MEMBERS}
    for family, entries in template.words.items():
        for code, words in entries.items():
            found[f"{family}.{code}"] = f"{words.zh} / {words.en}"
    return found


def _figures(template: Template) -> Iterator[dict[str, str]]:
    for language, text in template.texts.items():
        for line in lines_with_figures(text.document):
            yield {"language": language.value, "line": line}


def _ref(template: Template | None) -> str:
    return NOTHING if template is None else template.ref


def _text(value: object) -> str:
    if value is None:
        return NOTHING
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
