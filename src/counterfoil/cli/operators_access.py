"""`counterfoil operators`: attributes, cases and trainings of staff and programs."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house, queue_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.approvals import Approval
    from counterfoil.platform.holdings import AttributeGrant, CustomerCase, Matter, Training

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Reason = Annotated[str, typer.Option(help="Why; recorded in the trail.")]
Holder = Annotated[
    str, typer.Argument(help="An operator's name, or `api:` and a client's, such as api:shop.")
]
Operator = Annotated[str, typer.Argument(help="The operator's name, such as li.na.")]
Customer = Annotated[str, typer.Argument(help="The customer's identifier, `cu_…`.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    group.command()(attributes)
    group.command("give-attribute")(give_attribute)
    group.command("end-attribute")(end_attribute)
    group.command()(cases)
    group.command("assign-case")(assign_case)
    group.command("end-case")(end_case)
    group.command()(trainings)
    group.command("record-training")(record_training)


def attributes(*, as_json: Json = False) -> None:
    """List who is limited to which lender, product, region, purpose or hours, and until when."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> "Sequence[AttributeGrant]":
        from counterfoil.journeys.admitting.attributes import list_attributes

        return await list_attributes(house)

    shapes = [
        _shape(grant) | {"grant_id": ids.to_text(ids.ATTRIBUTE, grant.grant_id)}
        for grant in in_house(read)
    ]
    columns = ("grant_id", "holder", "attribute", "value", "ends_at", "approved_by")
    _write("Attributes", "attributes", columns, shapes, as_json=as_json)


def give_attribute(
    holder: Holder,
    attribute: Annotated[str, typer.Argument(help="lender, product, region, purpose or hours.")],
    value: Annotated[str, typer.Argument(help="Such as cash-line-open, 31, 12345.0800-2000, *.")],
    *,
    until: Day,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Ask for an attribute; the same command gives it once a second person has approved."""
    from counterfoil.platform.approvals import Approval
    from counterfoil.platform.holdings import Attribute

    if attribute not in set(Attribute):
        raise typer.BadParameter(f"there are {', '.join(Attribute)}", param_hint="ATTRIBUTE")

    async def work(house: "House", actor: "Actor") -> "AttributeGrant | Approval | Refused":
        from counterfoil.journeys.admitting.attributes import AttributeWish, give_attribute
        from counterfoil.kernel.clock import SystemClock

        wish = AttributeWish(
            holder=holder,
            attribute=Attribute(attribute),
            value=value,
            until=until.date(),
            reason=reason,
        )
        return await give_attribute(house, actor, wish, now=SystemClock().now())

    done = as_operator(name, work, password_stdin=password_stdin)
    if isinstance(done, Approval):
        from counterfoil.kernel import ids

        record = ids.to_text(ids.APPROVAL, done.approval_id)
        typer.echo(f"{record} waits for a second person; then say the same again")
    else:
        typer.echo(f"{holder} holds {attribute} {value} until {until.date()}")


def end_attribute(
    grant: Annotated[str, typer.Argument(help="The attribute's identifier, `at_…`.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Take an attribute back at once; whoever held it stays limited."""
    from counterfoil.kernel import ids

    number = _number(ids.ATTRIBUTE, grant)

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.admitting.attributes import end_attribute
        from counterfoil.kernel.clock import SystemClock

        return await end_attribute(house, actor, number, reason=reason, now=SystemClock().now())

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{grant} has ended")


def cases(*, name: As, password_stdin: PasswordStdin = False, as_json: Json = False) -> None:
    """List who works on which customer's case, and until when."""
    from counterfoil.kernel import ids

    async def read(house: "House") -> "Sequence[CustomerCase]":
        from counterfoil.journeys.cases import open_cases
        from counterfoil.kernel.clock import SystemClock

        return await open_cases(house, now=SystemClock().now())

    def matters(case: "CustomerCase") -> "list[Matter]":
        from counterfoil.platform.holdings import Matter

        return [Matter(case.customer_id, ids.CUSTOMER, case.customer_id)]

    found = queue_for(name, read, matters, act="manage_staff", password_stdin=password_stdin)
    shapes = [
        _shape(case)
        | {
            "case_id": ids.to_text(ids.CUSTOMER_CASE, case.case_id),
            "customer_id": ids.to_text(ids.CUSTOMER, case.customer_id),
        }
        for case in found
    ]
    columns = ("case_id", "customer_id", "operator", "kind", "ends_at", "opened_by")
    _write("Open cases", "cases", columns, shapes, as_json=as_json)


def assign_case(
    operator: Operator,
    customer: Customer,
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """Give a colleague the case of a customer by hand; nobody gives one to themselves."""
    from counterfoil.kernel import ids

    number = _number(ids.CUSTOMER, customer)

    async def work(house: "House", actor: "Actor") -> "CustomerCase | Refused":
        from counterfoil.journeys.cases import assign_case
        from counterfoil.kernel.clock import SystemClock

        return await assign_case(
            house,
            actor,
            operator=operator,
            customer_id=number,
            reason=reason,
            now=SystemClock().now(),
        )

    done = as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{ids.to_text(ids.CUSTOMER_CASE, done.case_id)} is open until {done.ends_at}")


def end_case(
    customer: Customer,
    case: Annotated[str, typer.Argument(help="The case's identifier, `cc_…`.")],
    *,
    name: As,
    reason: Reason,
    password_stdin: PasswordStdin = False,
) -> None:
    """End a case before its time."""
    from counterfoil.kernel import ids

    key = (_number(ids.CUSTOMER, customer), _number(ids.CUSTOMER_CASE, case))

    async def work(house: "House", actor: "Actor") -> "Refused | None":
        from counterfoil.journeys.cases import end_case
        from counterfoil.kernel.clock import SystemClock

        return await end_case(
            house,
            actor,
            customer_id=key[0],
            case_id=key[1],
            reason=reason,
            now=SystemClock().now(),
        )

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{case} has ended")


def trainings(*, as_json: Json = False) -> None:
    """List the courses that roles ask for: what is valid, ends soon, or is missing."""

    async def read(house: "House") -> "Sequence[object]":
        from counterfoil.journeys.admitting.attributes import review_trainings
        from counterfoil.kernel.clock import SystemClock

        return await review_trainings(house, now=SystemClock().now())

    shapes = [_shape(line) for line in in_house(read)]
    columns = ("holder", "role", "course", "state", "valid_until")
    _write("Trainings", "trainings", columns, shapes, as_json=as_json)


def record_training(
    operator: Operator,
    course: Annotated[str, typer.Argument(help="A course of the access matrix.")],
    *,
    version: Annotated[int, typer.Option(help="Version of the course.", min=1)],
    role: Annotated[str, typer.Option(help="For which role it was taken.")],
    passed: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Day it was passed.")],
    until: Day,
    name: As,
    password_stdin: PasswordStdin = False,
) -> None:
    """Write down that a colleague passed a course; nobody records one of their own."""

    async def work(house: "House", actor: "Actor") -> "Training | Refused":
        from counterfoil.journeys.admitting.attributes import record_training
        from counterfoil.kernel.clock import SystemClock
        from counterfoil.platform.holdings import Training

        now = SystemClock().now()
        training = Training(
            training_id=house.ids.next(),
            holder=operator,
            course_code=course,
            course_version=version,
            role=role,
            passed_on=passed.date(),
            valid_until=until.date(),
            recorded_by=actor.name,
            recorded_at=now,
        )
        return await record_training(house, actor, training, now=now)

    as_operator(name, work, password_stdin=password_stdin)
    typer.echo(f"{operator} passed {course} {version}, valid until {until.date()}")


def _number(prefix: str, text: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError:
        raise typer.BadParameter(f"{text} is not an identifier of the kind {prefix}_…") from None


def _shape(item: Any) -> dict[str, object]:
    return {name: getattr(item, name) for name in item.__slots__}


def _write(
    title: str,
    member: str,
    columns: "Sequence[str]",
    shapes: "Sequence[dict[str, object]]",
    *,
    as_json: bool,
) -> None:
    if as_json:
        output.write_json({member: shapes})
    else:
        output.write_table(title, columns, [[shape[c] for c in columns] for shape in shapes])
