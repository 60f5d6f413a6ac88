"""Many commands in one request, each with its own key and its own answer.

Invariant   A command of a list is exactly the command of its own operation: same members, same
            scope, same key, same answer to the byte. A fault in one leaves the others untouched.
Order       Answers stand in the order of the commands; commands on one line are carried out in
            that order, others side by side. What has a line of the trail of its own waits for its
            customer's commands before it, and those after it wait for it: it takes a while.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from pydantic import Field, ValidationError
from pydantic_core import to_json

from counterfoil.api import problems, refusals
from counterfoil.api.resources import credit, drawdowns, lines, repayments
from counterfoil.api.shapes import Body, LineId, Problem, RepaymentId, View
from counterfoil.api.writes import KEY_LENGTH_MAX, Call, Write, carry_listed, idempotency_key
from counterfoil.kernel.errors import Refused, refuse
from counterfoil.platform.access import Scope
from counterfoil.platform.batches import Answer

TAG = "Commands"
COMMANDS_MAX: Final = 1_000

_Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=KEY_LENGTH_MAX,
        pattern=r"^[!-~]+$",
        description="The command's own key; the header of the request is not looked at.",
    ),
]


class DrawCommand(drawdowns.DrawdownBody):
    """As `POST /v1/drawdowns`."""

    kind: Literal["draw"]
    idempotency_key: _Key


class RepayCommand(repayments.RepaymentBody):
    """As `POST /v1/repayments`."""

    kind: Literal["repay"]
    idempotency_key: _Key


class ReverseCommand(repayments.ReversalBody):
    """As `POST /v1/repayments/{repayment_id}/reversal`."""

    kind: Literal["reverse_repayment"]
    idempotency_key: _Key
    repayment_id: RepaymentId


class ReturnCreditCommand(credit.CreditReturnBody):
    """As `POST /v1/credit-returns`."""

    kind: Literal["return_credit"]
    idempotency_key: _Key


class UseCreditCommand(credit.CreditUseBody):
    """As `POST /v1/credit-uses`."""

    kind: Literal["use_credit"]
    idempotency_key: _Key


class SetLimitCommand(lines.LimitBody):
    """As `POST /v1/lines/{line_id}/limit`."""

    kind: Literal["set_limit"]
    idempotency_key: _Key
    line_id: LineId


class FreezeCommand(lines.FreezeBody):
    """As `POST /v1/lines/{line_id}/freeze`."""

    kind: Literal["freeze_line"]
    idempotency_key: _Key
    line_id: LineId


class UnfreezeCommand(lines.ReasonBody):
    """As `POST /v1/lines/{line_id}/unfreeze`."""

    kind: Literal["unfreeze_line"]
    idempotency_key: _Key
    line_id: LineId


class CloseCommand(lines.ReasonBody):
    """As `POST /v1/lines/{line_id}/close`."""

    kind: Literal["close_line"]
    idempotency_key: _Key
    line_id: LineId


class _Kind(NamedTuple):
    body: type[Body]
    write: Write


KINDS: Final[Mapping[str, _Kind]] = {
    "draw": _Kind(DrawCommand, drawdowns.DRAW),
    "repay": _Kind(RepayCommand, repayments.REPAY),
    "reverse_repayment": _Kind(ReverseCommand, repayments.REVERSE),
    "return_credit": _Kind(ReturnCreditCommand, credit.RETURN),
    "use_credit": _Kind(UseCreditCommand, credit.USE),
    "set_limit": _Kind(SetLimitCommand, lines.LIMIT),
    "freeze_line": _Kind(FreezeCommand, lines.FREEZE),
    "unfreeze_line": _Kind(UnfreezeCommand, lines.UNFREEZE),
    "close_line": _Kind(CloseCommand, lines.CLOSE),
}
#: What has a line of the trail of its own: in its place among the commands of its customer.
_TAKE_A_WHILE: Final = frozenset(
    name for name, kind in KINDS.items() if not kind.write.is_told_by_commands
)

Command = Annotated[
    DrawCommand
    | RepayCommand
    | ReverseCommand
    | ReturnCreditCommand
    | UseCreditCommand
    | SetLimitCommand
    | FreezeCommand
    | UnfreezeCommand
    | CloseCommand,
    Field(discriminator="kind"),
]


class CommandsBody(Body):
    """A list of commands; each is looked at on its own."""

    commands: list[Any] = Field(min_length=1, max_length=COMMANDS_MAX)


class CommandsDescription(Body):
    """A list of commands, as it is described."""

    commands: list[Command] = Field(min_length=1, max_length=COMMANDS_MAX)


class CommandAnswer(View):
    """The answer to one command."""

    #: None where the command had no key that could be read.
    idempotency_key: str | None
    #: As the operation of its own would have answered.
    status: int
    is_replay: bool
    #: The answer; None where there is a problem.
    body: (
        drawdowns.DrawdownAnswer
        | repayments.RepaymentAnswer
        | repayments.ReversalAnswer
        | lines.LineView
        | None
    )
    problem: Problem | None


class CommandsAnswer(View):
    """One answer a command, in their order."""

    answers: list[CommandAnswer]


async def carry_commands(call: Call, body: CommandsBody) -> Answer | Refused:
    """Carry out each command and answer each."""
    parts = await asyncio.gather(*_in_order(call, body.commands))
    return Answer('{"answers":[' + ",".join(parts) + "]}", is_replay=False)


def _in_order(call: Call, commands: Sequence[Any]) -> list[asyncio.Task[str]]:
    """Begin every command; what takes a while waits for its customer's earlier ones.

    Later ones wait for it: a measure is announced, or the trail read, before the line is told.
    """
    tasks: list[asyncio.Task[str]] = []
    changed: dict[str, asyncio.Task[str]] = {}
    since: defaultdict[str, list[asyncio.Task[str]]] = defaultdict(list)
    for number, raw in enumerate(commands):
        whose, kind = _said(raw, "customer_id"), _said(raw, "kind")
        waits = [changed[whose]] if whose in changed else []
        if kind in _TAKE_A_WHILE:
            waits += since.pop(whose, [])
        task = asyncio.create_task(_carry_after(waits, call, number, raw))
        tasks.append(task)
        if kind in _TAKE_A_WHILE:
            changed[whose] = task
        else:
            since[whose].append(task)
    return tasks


def _said(raw: Any, name: str) -> str:
    """Return what a command says before anybody has looked at it; nothing where it is no text."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return value if isinstance(value, str) else ""


async def _carry_after(
    waits: Sequence[asyncio.Task[str]], call: Call, number: int, raw: Any
) -> str:
    if waits:
        await asyncio.wait(waits)
    return await _carry_one(call, number, raw)


async def _carry_one(call: Call, number: int, raw: Any) -> str:
    name = raw.get("kind") if isinstance(raw, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        return await _malformed(call, raw, [_no_kind(raw, number)])
    try:
        body: Any = kind.body.__pydantic_validator__.validate_json(to_json(raw))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        placed = [{**found, "loc": ("commands", number, *found["loc"])} for found in errors]
        return await _malformed(call, raw, placed)
    key: str = body.idempotency_key
    if kind.write.scope not in call.key.scopes:
        missing = refuse(refusals.SCOPE_MISSING, scope=kind.write.scope.value)
        return await _noted(call, kind, body, missing)
    path = {part: getattr(body, part) for part in kind.write.path_ids}
    own = call._replace(idempotency_key=key, path=path)
    try:
        outcome, is_told = await carry_listed(kind.write, own, body, to_json(raw))
    except Exception as error:  # noqa: BLE001 – the other commands have answers of their own
        outcome, is_told = call.desk.failure(error), False
    if isinstance(outcome, Refused):
        return _refused(call, key, outcome) if is_told else await _noted(call, kind, body, outcome)
    return _answered(key, kind.write.status, outcome)


async def _noted(call: Call, kind: Any, body: Any, refused: Refused) -> str:
    """Write to the trail that one command was refused, and return its answer."""
    await call.desk.note_refusal(
        call.key, refused, kind.write.name, source=call.source, customer_ids=(body.customer_id,)
    )
    return _refused(call, body.idempotency_key, refused)


def _answered(key: str, status: int, outcome: Answer) -> str:
    """Put an answer around the recorded text without reading it again."""
    replayed = "true" if outcome.is_replay else "false"
    return (
        f'{{"idempotency_key":{orjson.dumps(key).decode()},"status":{status},'
        f'"is_replay":{replayed},"body":{outcome.text},"problem":null}}'
    )


def _refused(
    call: Call,
    key: str | None,
    refused: Refused,
    faults: tuple[problems.FieldFault, ...] = (),
) -> str:
    problem = call.desk.document(refused, call.language, faults)
    answer = {
        "idempotency_key": key,
        "status": problem["status"],
        "is_replay": False,
        "body": None,
        "problem": problem,
    }
    return orjson.dumps(answer).decode()


async def _malformed(call: Call, raw: Any, errors: list[Any]) -> str:
    refused, faults = problems.invalid(errors)
    await call.desk.note_refusal(call.key, refused, COMMANDS.name, source=call.source)
    given = raw.get("idempotency_key") if isinstance(raw, dict) else None
    key = idempotency_key(given.encode()) if isinstance(given, str) else None
    return _refused(call, None if isinstance(key, Refused) else key, refused, tuple(faults))


def _no_kind(raw: Any, number: int) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {"type": "dict_type", "loc": ("commands", number)}
    fault = "enum" if "kind" in raw else "missing"
    return {"type": fault, "loc": ("commands", number, "kind")}


COMMANDS = Write(
    name="create_commands",
    tag=TAG,
    path="/v1/commands",
    scope=Scope.DRAWDOWNS_WRITE,
    other_scopes=frozenset({Scope.REPAYMENTS_WRITE, Scope.LINES_WRITE}),
    body=CommandsBody,
    described_by=CommandsDescription,
    answer=CommandsAnswer,
    carry=carry_commands,
    needs_key=False,
    is_told_by_commands=True,
    summary="Carry out many commands",
    description="Up to 1,000 commands, each with its own idempotency key, each answered on its "
    "own and in order; each needs the scope of its own operation. Commands on one line are "
    "carried out in order.",
    example={
        "commands": [
            {
                "kind": "freeze_line",
                "idempotency_key": "freeze-2026-03-01-0001",
                "customer_id": "cu_01hv4zq3k2f00",
                "line_id": "ln_01hv4zq3k2f00",
                "reason": "suspected_fraud",
            }
        ]
    },
)
WRITES = (COMMANDS,)
