"""30,000 recorded card clients of 2005, from whose behaviour simulated borrowers are drawn.

Default of Credit Card Clients, I-Cheng Yeh, UCI Machine Learning Repository (2009),
doi:10.24432/C55S3H, CC BY 4.0; format changed, values unchanged. See `data/ATTRIBUTION.md`.

Units       Amounts in whole New Taiwan dollars, as recorded; `cny_minor` maps them to the demo's
            currency at 1 TWD = 0.2 CNY, a round figure for the demonstration and no market rate.
Order       Every tuple of months runs from the latest (September) back to April 2005.
Parts       The first 20,000 are for models to learn from, the other 10,000 to judge them by.
Invariant   Sex, education, marriage and age are carried for tests of fairness and for inventing
            persons; nothing is scored on them.
"""

import lzma
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

ROWS_COUNT = 30_000
MONTHS_COUNT = 6
COLUMNS_COUNT = 24

#: Numbers of the clients that models learn from, and of those by whom they are judged.
TRAIN_COUNT = 20_000
FIRST = range(1, TRAIN_COUNT + 1)
LATER = range(TRAIN_COUNT + 1, ROWS_COUNT + 1)
_ALL = (range(1, ROWS_COUNT + 1),)

#: One whole New Taiwan dollar in minor units of the demo's currency: 0.20 CNY.
CNY_MINOR_PER_TWD = 20

_FILE = "card_clients_2005.columns.xz"

_Columns = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardClient:
    """One client of the data set."""

    #: Row number in the data set, from 1; it has no meaning.
    number: int
    #: Credit limit granted, whole TWD.
    limit_twd: int
    #: 1 male, 2 female.
    sex: int
    education: int
    marriage: int
    age: int
    #: Repayment status: -2 no use, -1 paid duly, 0 revolving, 1 to 9 months of delay.
    statuses: tuple[int, ...]
    #: Statement amounts, whole TWD; negative is a credit balance.
    bills_twd: tuple[int, ...]
    #: Amounts paid in the month, whole TWD.
    payments_twd: tuple[int, ...]
    #: Whether the payment of October 2005 was missed.
    defaulted: bool


def cny_minor(amount_twd: int) -> int:
    """Return a recorded amount in minor units of the demo's currency."""
    return amount_twd * CNY_MINOR_PER_TWD


def load(count: int, seed: int, *, parts: Sequence[range] = _ALL) -> list[CardClient]:
    """Return `count` clients in an order that depends on the seed alone, one part after another.

    Up to 30,000 no client comes twice; beyond that the whole set starts over in a new order.
    """
    if count < 0:
        raise ValueError("a number of clients is not negative")
    clients: list[CardClient] = []
    chance = random.Random(seed)  # noqa: S311 - seeded, to come out the same again
    while len(clients) < count:
        for part in parts:
            order = [number - 1 for number in part]
            chance.shuffle(order)
            clients.extend(_rows(order[: count - len(clients)]))
    return clients


def client_of(number: int) -> CardClient:
    """Return the client of a row of the data set."""
    [client] = _rows([number - 1])
    return client


def _rows(positions: Iterable[int]) -> Iterator[CardClient]:
    by_row = _by_row()
    for position in positions:
        row = by_row[position]
        yield CardClient(
            number=position + 1,
            limit_twd=row[0],
            sex=row[1],
            education=row[2],
            marriage=row[3],
            age=row[4],
            statuses=row[5:11],
            bills_twd=row[11:17],
            payments_twd=row[17:23],
            defaulted=row[23] == 1,
        )


@lru_cache(maxsize=1)
def _by_row() -> list[tuple[int, ...]]:
    return list(zip(*_columns(), strict=True))


@lru_cache(maxsize=1)
def _columns() -> _Columns:
    packed = resources.files("counterfoil.simulator").joinpath("data", _FILE).read_bytes()
    text = lzma.decompress(packed).decode("ascii")
    columns = tuple(tuple(map(int, line.split())) for line in text.splitlines())
    assert len(columns) == COLUMNS_COUNT, "a column is missing or doubled"
    assert all(len(column) == ROWS_COUNT for column in columns), "a column is cut short"
    return columns
