"""`counterfoil products`: what is on offer, and whether product files may be published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counterfoil.cli import output
from counterfoil.cli.products_effect import costs_of, offers_of, write_costs, write_offers

if TYPE_CHECKING:
    from collections.abc import Callable

    from counterfoil.lending.catalogue import Catalogue
    from counterfoil.lending.product_difference import Change
    from counterfoil.lending.product_file import Product

Folder = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="Directory of product files.")
]
MaybeFolder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="Directory; what is shipped if unset."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Products on offer and their files.", no_args_is_help=True)
    group.command("list")(list_products)
    group.command()(check)
    group.command()(diff)
    group.command()(lock)
    group.command()(copy)
    app.add_typer(group, name="products")


def list_products(folder: MaybeFolder = None, *, as_json: Json = False) -> None:
    """List every version with its state and prices; JSON has signatures and sources too."""
    shapes = [_shape(product) for product in _load(folder)]
    if as_json:
        output.write_json({"products": shapes})
        return
    columns = ("code", "version", "state", "effective_from", "rate_daily_percent", "cost_cap")
    output.write_table("Products", columns, [[shape[c] for c in columns] for shape in shapes])


def check(folder: MaybeFolder = None) -> None:
    """Say what keeps files of products and scenes from being published; exit 1 if anything does."""
    catalogue = _catalogue(folder)
    products, scenes = len(catalogue.products()), len(catalogue.scenes.versions())
    typer.echo(f"product versions: {products}, versions of scenes: {scenes}, no fault")


def diff(
    code: Annotated[str, typer.Argument(help="Code of the product.")],
    version: Annotated[
        int | None, typer.Argument(min=1, help="Version to be published; the last if unset.")
    ] = None,
    *,
    folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Directory; what is shipped if unset."),
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    offers: Annotated[
        bool, typer.Option("--offers", help="Count the installation's open offers, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a version changes against the last published one, and what customers notice.

    Cost sheets of examples stand side by side under both versions. With --offers the database says
    how many open offers would not be made under the new one; they keep the version they have.
    """
    from counterfoil.lending.catalogue import CatalogueError, UnknownProductError, to_publish
    from counterfoil.lending.product_difference import difference

    if language not in ("en", "zh"):
        raise typer.BadParameter("there are en and zh", param_hint="--language")
    try:
        wanted, published = to_publish(folder, code, version)
    except (CatalogueError, UnknownProductError) as refused:
        raise output.fail(str(refused)) from refused
    changes = difference(published, wanted) if published is not None else []
    costs = [] if published is None else costs_of(published, wanted)
    counted = offers_of(wanted) if offers else None
    numbers = (
        None if published is None else published["meta"]["version"],
        wanted["meta"]["version"],
    )
    if as_json:
        output.write_json(
            {
                "code": code,
                "version": numbers[1],
                "published_version": numbers[0],
                "effective_from": wanted["meta"]["effective_from"],
                "changes": changes,
                "costs": costs,
                "offers": counted,
            }
        )
    elif published is None:
        typer.echo(f"{code} version {numbers[1]}: nothing was published before it")
    else:
        _write_changes(changes, f"{code}: version {numbers[1]} against {numbers[0]}", language)
        write_costs(costs)
        if counted is not None:
            write_offers(counted)
        typer.echo(f"What is open under version {numbers[0]} stays under it.")


def _write_changes(changes: "list[Change]", title: str, language: str) -> None:
    rows = [
        (
            change.key,
            change.before,
            change.after,
            [str(meaning.effect) for meaning in change.meanings],
            [getattr(meaning, language) for meaning in change.meanings],
        )
        for change in changes
    ]
    output.write_table(title, ("key", "before", "after", "for customers", "meaning"), rows)


def lock(folder: Folder) -> None:
    """Lock the versions that have become effective, so that they cannot be changed any more."""
    from counterfoil.lending.catalogue import CatalogueError, lock_effective

    try:
        added = lock_effective(folder)
    except CatalogueError as refused:
        raise output.fail(str(refused)) from refused
    for name in added:
        typer.echo(f"locked {name}")
    _load(folder)


def copy(
    folder: Annotated[Path, typer.Argument(help="New directory; it is made.")],
) -> None:
    """Copy the shipped products, scenes and contract templates, to add your own to them.

    Loans keep the version they were signed under, so the shipped files stay beside yours.
    """
    import shutil
    from importlib import resources

    if folder.exists():
        raise output.fail(f"{folder} is there already; name a new directory")
    package = resources.files("counterfoil")
    kept = ("*.toml", "*.lock", "*.md")
    for source, name in _COPIED:
        with resources.as_file(package / source) as place:
            shutil.copytree(place, folder / name, ignore=_all_but(kept))
    typer.echo(f"COUNTERFOIL_PRODUCTS={folder.absolute() / 'products'}")
    typer.echo(f"counterfoil contract publish {folder.absolute() / 'contract-templates'}")


#: What is copied, from where to where.
_COPIED: Final = (
    ("products", "products"),
    ("lending/scenes", "products/scenes"),
    ("contracts/templates", "contract-templates"),
)


def _all_but(patterns: tuple[str, ...]) -> "Callable[[str, list[str]], list[str]]":
    """Return what says which entries of a directory are left out: other files, and caches."""

    def left_out(place: str, names: list[str]) -> list[str]:
        files = [name for name in names if not (Path(place) / name).is_dir()]
        others = [one for one in files if not any(Path(one).match(p) for p in patterns)]
        return [*others, *(name for name in names if name.startswith("__"))]

    return left_out


def _load(folder: Path | None) -> "tuple[Product, ...]":
    return _catalogue(folder).products()


def _catalogue(folder: Path | None) -> "Catalogue":
    from counterfoil.lending.catalogue import CatalogueError, load_catalogue

    try:
        return load_catalogue(folder)
    except CatalogueError as refused:
        raise output.fail(str(refused)) from refused


def _shape(product: "Product") -> dict[str, object]:
    from counterfoil.lending.cost_items import exact_percent

    terms = product.terms
    low, high = exact_percent(terms.rate_daily_e8_min), exact_percent(terms.rate_daily_e8_max)
    return {
        "code": terms.code,
        "version": terms.version,
        "state": product.state.value,
        "effective_from": product.effective_from.isoformat(),
        "retired_on": product.retired_on.isoformat() if product.retired_on else None,
        "lender": terms.lender_id,
        "rate_daily_percent": f"{low}-{high}",
        "author": product.author,
        "approver": product.approver,
        "cost_cap": f"{exact_percent(terms.cost_annual_e8_cap)} % a year",
        "cost_source": f"{product.cost_rule} ({product.cost_mark})",
        "reported": ", ".join(product.records) or None,
    }
