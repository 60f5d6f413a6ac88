"""`counterfoil review`: the queue of decisions that customers want a person to look at."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import output
from counterfoil.cli.acting import As, PasswordStdin, as_operator, in_house, queue_for

if TYPE_CHECKING:
    from counterfoil.decisioning.review import Review
    from counterfoil.decisioning.review_store import PolicyReview
    from counterfoil.journeys.house import House
    from counterfoil.kernel.errors import Refused
    from counterfoil.platform.access_matrix import Actor
    from counterfoil.platform.holdings import Matter

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]
Customer = Annotated[str, typer.Argument(help="The customer, `cu_…`, from the list.")]
Number = Annotated[str, typer.Argument(help="The review, `rv_…`, from the list.")]
Reason = Annotated[str, typer.Option(help="Why; recorded, and told to the customer.")]
Fact = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE that turned out to be so; `unknown` for none. Repeatable."),
]
Rule = Annotated[
    list[str] | None,
    typer.Option(help="Code of a rule, not of law, that is set aside. Repeatable."),
]

#: Reviews that a list shows.
SHOWN_MAX = 200


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Reviews by a person of decisions by machine.", no_args_is_help=True)
    group.command("list")(list_reviews)
    group.command()(decide)
    group.command()(looks)
    group.command()(conclude)
    app.add_typer(group, name="review")


def list_reviews(
    *,
    name: As,
    everything: Annotated[bool, typer.Option("--all", help="Concluded ones too.")] = False,
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """List what waits for a person, the nearest deadline first."""

    async def read(house: "House") -> "list[Review]":
        from counterfoil.decisioning import review_store as store

        async with house.database.connection() as connection:
            if everything:
                return await store.reviews_page(connection, page=SHOWN_MAX)
            return await store.reviews_open(connection, page=SHOWN_MAX)

    def matters(item: "Review") -> "list[Matter]":
        from counterfoil.kernel import ids
        from counterfoil.platform.holdings import Matter

        return [Matter(item.customer_id, ids.REVIEW, item.review_id)]

    found = queue_for(name, read, matters, act="review", password_stdin=password_stdin)
    shapes = [_shape(item) for item in found]
    if as_json:
        output.write_json({"reviews": shapes})
    else:
        columns = (
            *("review_id", "customer_id", "subject_id", "decided", "policy_version"),
            *("due_on", "state", "assigned_to"),
        )
        rows = [[shape[column] for column in columns] for shape in shapes]
        output.write_table("Reviews", columns, rows)


def decide(
    customer_id: Customer,
    review_id: Number,
    *,
    name: As,
    reason: Reason,
    overturn: Annotated[
        bool, typer.Option("--overturn/--uphold", help="Put another decision in its place, or not.")
    ],
    fact: Fact = None,
    set_aside: Rule = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Conclude a review: uphold the decision, or overturn it with what the policy offers then."""
    key = (_number("cu", customer_id, "CUSTOMER_ID"), _number("rv", review_id, "REVIEW_ID"))
    facts = dict(_fact(text) for text in fact or ())
    if not overturn and (facts or set_aside):
        raise typer.BadParameter("facts and rules are put right to overturn", param_hint="--uphold")

    async def work(house: "House", actor: "Actor") -> "Review | Refused":
        from counterfoil.decisioning.redecision import Correction
        from counterfoil.journeys.deciding import review, review_deciding

        if not overturn:
            return await review.uphold(
                house, actor, customer_id=key[0], review_id=key[1], reason=reason
            )
        wish = review_deciding.Overturning(
            customer_id=key[0],
            review_id=key[1],
            reason=reason,
            correction=Correction(facts=facts, set_aside=tuple(set_aside or ())),
        )
        return await review_deciding.overturn(house, actor, wish)

    done = as_operator(name, work, act="review", password_stdin=password_stdin)
    typer.echo(f"{done.state} {review_id}")


def looks(*, as_json: Json = False) -> None:
    """List the versions that persons overturned too often, and how each look at one ended."""

    async def read(house: "House") -> "list[PolicyReview]":
        from counterfoil.decisioning import review_store as store

        async with house.database.connection() as connection:
            return await store.read_policy_reviews(connection)

    shapes = [item._asdict() for item in in_house(read)]
    if as_json:
        output.write_json({"policy_reviews": shapes})
        return
    columns = ("policy_version", "policy_hash", "overturned", "reviewed", "conclusion", "ended_by")
    rows = [[shape[column] for column in columns] for shape in shapes]
    output.write_table("Versions that are looked at again", columns, rows)


def conclude(
    policy_hash: Annotated[str, typer.Argument(help="The version, from `review looks`.")],
    *,
    name: As,
    reason: Annotated[str, typer.Option(help="Why; recorded.")],
    change: Annotated[
        bool, typer.Option("--change/--keep", help="Another version takes its place, or it stays.")
    ],
    password_stdin: PasswordStdin = False,
) -> None:
    """End the look at a version that was overturned too often; not by who wrote it."""

    async def work(house: "House", actor: "Actor") -> "PolicyReview | Refused":
        from counterfoil.journeys.deciding.review_figures import Conclusion, conclude_look

        said = Conclusion.CHANGED if change else Conclusion.KEPT
        return await conclude_look(house, actor, policy_hash, conclusion=said, reason=reason)

    done = as_operator(name, work, act="review", password_stdin=password_stdin)
    typer.echo(f"{done.conclusion} {done.policy_version}")


def _number(prefix: str, text: str, hint: str) -> int:
    from counterfoil.kernel import ids

    try:
        return ids.from_text(prefix, text)
    except ids.InvalidIdError as wrong:
        raise typer.BadParameter(str(wrong), param_hint=hint) from wrong


def _fact(text: str) -> "tuple[str, bool | int | str | None]":
    """Return name and value: `unknown`, `true` and `false` are words, digits a number."""
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise typer.BadParameter(f"{text} is not NAME=VALUE", param_hint="--fact")
    words: dict[str, bool | None] = {"unknown": None, "true": True, "false": False}
    if value in words:
        return name, words[value]
    return name, int(value) if value.lstrip("-").isdecimal() else value


def _shape(item: "Review") -> dict[str, Any]:
    from counterfoil.decisioning.review import About
    from counterfoil.kernel import ids

    prefix = ids.APPLICATION if item.about is About.APPLICATION else ids.LIMIT_REQUEST
    ended = item.conclusion
    return {
        "review_id": ids.to_text(ids.REVIEW, item.review_id),
        "customer_id": ids.to_text(ids.CUSTOMER, item.customer_id),
        "about": item.about,
        "subject_id": ids.to_text(prefix, item.subject_id),
        "decision_no": item.decision_no,
        "decided": item.outcome,
        "policy_version": item.policy_version,
        "said": item.said,
        "requested_at": item.requested_at,
        "due_on": item.due_on,
        "state": item.state,
        "assigned_to": item.assigned_to,
        "concluded_at": ended and ended.at,
        "concluded_by": ended and ended.person,
        "reason": ended and ended.reason,
    }
