"""The packed data set is the published one, and what it is known to contain."""

import csv
import hashlib
import io

from counterfoil.simulator import card_clients
from counterfoil.simulator.card_clients import CardClient

HEADER = (
    "ID,LIMIT_BAL,SEX,EDUCATION,MARRIAGE,AGE,PAY_0,PAY_2,PAY_3,PAY_4,PAY_5,PAY_6,"
    "BILL_AMT1,BILL_AMT2,BILL_AMT3,BILL_AMT4,BILL_AMT5,BILL_AMT6,"
    "PAY_AMT1,PAY_AMT2,PAY_AMT3,PAY_AMT4,PAY_AMT5,PAY_AMT6,default_payment_next_month"
)
SHA_256 = "af6aa9d50511471c11fedd691155d36b5f2c81baa778b274118976ad5e750d59"


def everybody() -> list[CardClient]:
    clients = card_clients.load(card_clients.ROWS_COUNT, seed=0)
    return sorted(clients, key=lambda client: client.number)


def test_the_table_written_out_again_is_the_published_one_byte_for_byte() -> None:
    table = io.StringIO()
    table.write(HEADER + "\n")
    writer = csv.writer(table, lineterminator="\n")
    for client in everybody():
        writer.writerow(
            (
                client.number,
                client.limit_twd,
                client.sex,
                client.education,
                client.marriage,
                client.age,
                *client.statuses,
                *client.bills_twd,
                *client.payments_twd,
                int(client.defaulted),
            )
        )
    assert hashlib.sha256(table.getvalue().encode()).hexdigest() == SHA_256


def test_the_known_sums_hold() -> None:
    clients = everybody()
    assert len(clients) == 30_000
    assert sum(client.defaulted for client in clients) == 6_636
    # Mean limit 167,484.32 TWD over 30,000 clients.
    assert sum(client.limit_twd for client in clients) == 5_024_529_680
    assert sum(client.sex == 1 for client in clients) == 11_888
    assert sum(client.statuses[0] == 1 for client in clients) == 3_688
    assert min(client.age for client in clients) == 21
    assert max(client.age for client in clients) == 79


def test_the_seed_alone_decides_the_order() -> None:
    first = card_clients.load(500, 7)
    assert first == card_clients.load(500, 7)
    assert first != card_clients.load(500, 8)
    assert len({client.number for client in first}) == 500
    assert card_clients.load(200, 7) == first[:200]


def test_more_than_the_whole_set_starts_over() -> None:
    clients = card_clients.load(30_010, 1)
    assert len({client.number for client in clients[:30_000]}) == 30_000
    assert len(clients) == 30_010


def test_a_recorded_amount_is_mapped_at_one_fifth() -> None:
    assert card_clients.cny_minor(10_000) == 200_000
