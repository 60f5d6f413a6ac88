"""What has left the house: each export with its recipient, its risk and the two who let it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from counterfoil.console.access import Permission
from counterfoil.console.page import Page
from counterfoil.console.visit import Visit
from counterfoil.journeys.guarding.export_data import list_exports
from counterfoil.kernel import ids
from counterfoil.privacy.export_plan import load_datasets
from counterfoil.privacy.export_store import Export

ROWS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """One export of the list."""

    record: str
    dataset: str
    recipient: str
    purpose: str
    assessment: str
    people: str
    rows: str
    smallest: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsView:
    """Exports, newest first."""

    rows: Sequence[ExportRow]


async def show_list(visit: Visit) -> Response:
    """List what has left."""
    found = await list_exports(visit.desk.house, page=ROWS)
    view = ExportsView(rows=[_row(visit, item) for item in found])
    return visit.page(
        "privacy/exports.html",
        visit.t("nav.exports"),
        view,
        journey="journeys.guarding.export_data.list_exports",
        cli_call="counterfoil export list",
    )


def _row(visit: Visit, item: Export) -> ExportRow:
    dataset = load_datasets().get(item.dataset)
    name = item.dataset
    if dataset is not None:
        name = dataset.name_zh if visit.catalogue.language == "zh-CN" else dataset.name_en
    return ExportRow(
        record=ids.to_text(ids.DATA_EXPORT, item.export_id),
        dataset=name,
        recipient=item.recipient,
        purpose=item.purpose,
        assessment=item.assessment,
        people=f"{item.exported_by} · {item.approved_by}",
        rows=f"{item.row_count:,}",
        smallest=f"{item.smallest_group:,}",
        at=visit.formats.instant(item.exported_at),
    )


PAGES: Final = (Page(path="/exports", show=show_list, permission=Permission.EXPORT),)
