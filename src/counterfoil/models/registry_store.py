"""Reads and writes the registry of models."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
import rfc8785

from counterfoil.models.artefact import Artefact, read_artefact, write_artefact
from counterfoil.models.registry import Event, Model, State, Step, Use, Validation
from counterfoil.platform.queries import Queries, Row, Runner

QUERIES: Final = Queries.load("counterfoil.models", "registry_store.sql")


async def add_model(connection: Runner, model: Model, artefact: Artefact) -> None:
    """Keep a model with its file."""
    await QUERIES.add_model.execute(
        connection,
        model_sha256=model.model_sha256,
        code=model.code,
        version=model.version,
        kind=model.kind,
        owner=model.owner,
        data_sha256=model.data_sha256,
        document=write_artefact(artefact).decode(),
        developer=model.developer,
        added_at=model.added_at,
    )


async def read_model(connection: Runner, model_sha256: str) -> Model | None:
    """Return a model, None where it is not registered."""
    row = await QUERIES.model.fetchrow(connection, model_sha256=model_sha256)
    return None if row is None else Model(**dict(row))


async def hash_of_version(connection: Runner, code: str, version: str) -> str | None:
    """Return the hash that a code and version stand for, None where they are free."""
    found: str | None = await QUERIES.model_of_version.fetchval(
        connection, code=code, version=version
    )
    return found


async def read_file(connection: Runner, model_sha256: str) -> Artefact | None:
    """Return the model of a registered file, its hash checked again; None where there is none."""
    text = await QUERIES.document.fetchval(connection, model_sha256=model_sha256)
    return None if text is None else read_artefact(text.encode())


async def list_models(
    connection: Runner, *, beside: str | None = None, page: int, is_back: bool = False
) -> list[Model]:
    """Return models, newest first, behind a hash or before it."""
    rows = await QUERIES.models.page(connection, beside_sha256=beside, page=page, is_back=is_back)
    return [Model(**dict(row)) for row in rows]


async def lock_model(connection: Runner, model_sha256: str) -> None:
    """Hold a model until the transaction ends."""
    await QUERIES.lock_model.execute(connection, model_sha256=model_sha256)


async def add_validation(
    connection: Runner, validation: Validation, document: Mapping[str, Any]
) -> None:
    """Keep a validation with its document."""
    await QUERIES.add_validation.execute(
        connection,
        validation_id=validation.validation_id,
        model_sha256=validation.model_sha256,
        data_sha256=validation.data_sha256,
        report_sha256=validation.report_sha256,
        report=rfc8785.dumps(dict(document)).decode(),
        verdict=validation.verdict,
        accepted=list(validation.accepted),
        reason=validation.reason,
        validated_by=validation.validated_by,
        validated_at=validation.validated_at,
        expires_at=validation.expires_at,
    )


async def latest_validations(
    connection: Runner, model_sha256s: Collection[str]
) -> dict[str, Validation]:
    """Return the last validation of each model that has one."""
    rows = await QUERIES.latest_validations.fetch(connection, model_sha256s=list(model_sha256s))
    return {row["model_sha256"]: Validation(**dict(row)) for row in rows}


async def read_report(connection: Runner, validation_id: int) -> dict[str, Any]:
    """Return the document of a validation that is kept."""
    text = await QUERIES.report.fetchval(connection, validation_id=validation_id)
    found: dict[str, Any] = orjson.loads(text)
    return found


async def add_event(connection: Runner, event: Event) -> None:
    """Keep what happened to a model."""
    await QUERIES.add_event.execute(
        connection,
        event_id=event.event_id,
        model_sha256=event.model_sha256,
        act=event.act.value,
        state=event.state.value,
        done_by=event.done_by,
        reason=event.reason,
        at=event.at,
        validation_id=event.validation_id,
        approval_id=event.approval_id,
        expires_at=event.expires_at,
    )


async def read_events(connection: Runner, model_sha256s: Collection[str]) -> dict[str, list[Event]]:
    """Return what happened to each model, oldest first."""
    found: dict[str, list[Event]] = {sha256: [] for sha256 in model_sha256s}
    for row in await QUERIES.events.fetch(connection, model_sha256s=list(found)):
        found[row["model_sha256"]].append(_event(row))
    return found


async def read_uses(
    connection: Runner, model_sha256s: Collection[str], *, at: datetime
) -> dict[str, list[Use]]:
    """Return which published policies decide by each model, the newest publication first."""
    found: dict[str, list[Use]] = {sha256: [] for sha256 in model_sha256s}
    for row in await QUERIES.uses.fetch(connection, model_sha256s=list(found), at=at):
        fields = dict(row)
        found[fields.pop("model_sha256")].append(
            Use(**fields | {"is_in_force": bool(fields["is_in_force"])})
        )
    return found


def _event(row: Row) -> Event:
    fields = dict(row)
    return Event(**fields | {"act": Step(fields["act"]), "state": State(fields["state"])})
