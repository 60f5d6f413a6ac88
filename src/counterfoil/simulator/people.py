"""Invented persons who behave as recorded clients did: names, numbers, facts.

Nobody      Identity numbers are well-formed and belong to nobody: their region is a province with
            a county code that was never given (prefecture 99). Phone numbers are well-formed too
            and may be somebody's: the simulator sends no message to any of them.
Seed        The same seed invents the same persons in the same order; numbers never repeat within
            one run, up to `PERSONS_COUNT_MAX` persons.
Behaviour   Age, sex and the facts that the policy reads come from one recorded client each
            (`card_clients.py`), amounts mapped at 1 TWD = 0.2 CNY. Age and sex only shape the
            identity number; sex is told to nobody else.
Held out    The clients from whom no model learned come first; the others follow where more are
            wanted, so that a policy by a trained model decides people who are new to it.
"""

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from counterfoil.customers.identity import check_character
from counterfoil.simulator import card_clients
from counterfoil.simulator.card_clients import CardClient
from counterfoil.simulator.recorded_history import Facts, recorded_facts

#: Phone numbers are counted through an eight-digit space in steps that visit each once.
PERSONS_COUNT_MAX = 10_000_000

_PREFECTURE_OF_NOBODY = "99"
_PROVINCES = ("11", "31", "32", "33", "35", "37", "41", "42", "43", "44", "50", "51", "61")
_PHONE_PREFIX = "199"
_PHONE_SPACE = 10**8
#: Coprime to the space, so that successive multiples do not meet before all were visited.
_PHONE_STEP = 48_271_207
_MALE = 1
_PURPOSES = ("daily_consumption", "household", "renovation", "education", "medical", "travel")

_FAMILY_NAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严"
)
_GIVEN_FIRST = (
    "子雨思嘉佳文晓明志建国海天宇欣梦若诗雅静婉淑秀春兰玉凤云月红丽娟燕慧敏艳芳琳晨俊浩泽瑞博涵"
    "铭航睿凯鹏飞龙虎振家永德光正伟学立长宏新元成世克承启景星辰"
)
_GIVEN_LAST = (
    "轩涵怡妍萱琪瑶萍英华芬霞梅玲娜洁颖莹雪琴倩楠媛蓉岚杰辉强军平东波刚斌勇超峰磊涛亮林森洋"
    "宁安康乐然恒远山川松柏青竹源清"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedPerson:
    """Somebody who does not exist, with the record of somebody who did."""

    name: str
    id_number: str
    #: As one would write it in mainland China: eleven digits.
    phone: str
    purpose: str
    facts: Facts
    #: The recorded client behind the behaviour after the offer.
    client: CardClient


def invent(count: int, *, seed: int, on: date) -> Iterator[InventedPerson]:
    """Yield invented persons as they are on a date."""
    if not 0 <= count <= PERSONS_COUNT_MAX:
        raise ValueError(f"at most {PERSONS_COUNT_MAX} persons are invented at once")
    chance = random.Random(seed)  # noqa: S311 - seeded, to come out the same again
    taken: set[str] = set()
    offset = chance.randrange(_PHONE_SPACE)
    parts = (card_clients.LATER, card_clients.FIRST)
    for place, client in enumerate(card_clients.load(count, seed, parts=parts)):
        id_number = _new_id_number(chance, client, on, taken)
        taken.add(id_number)
        yield InventedPerson(
            name=_name(chance),
            id_number=id_number,
            phone=f"{_PHONE_PREFIX}{(offset + place * _PHONE_STEP) % _PHONE_SPACE:08d}",
            purpose=chance.choice(_PURPOSES),
            facts=recorded_facts(client) | {"is_student": False},
            client=client,
        )


def _name(chance: random.Random) -> str:
    given = chance.choice(_GIVEN_LAST)
    # Three names in four have two characters after the family name.
    if chance.randrange(4):
        given = chance.choice(_GIVEN_FIRST) + given
    return chance.choice(_FAMILY_NAMES) + given


def _new_id_number(chance: random.Random, client: CardClient, on: date, taken: set[str]) -> str:
    while True:
        id_number = _id_number(chance, client, on)
        if id_number not in taken:
            return id_number


def _id_number(chance: random.Random, client: CardClient, on: date) -> str:
    """Return a number of nobody: region, birth date, sequence with the sex, check character."""
    region = chance.choice(_PROVINCES) + _PREFECTURE_OF_NOBODY + f"{chance.randrange(100):02d}"
    born = _birth_date(chance, client.age, on)
    sequence = 2 * chance.randrange(1, 500) + (1 if client.sex == _MALE else 0)
    digits = f"{region}{born:%Y%m%d}{sequence % 1000:03d}"
    return digits + check_character(digits)


def _birth_date(chance: random.Random, age: int, on: date) -> date:
    """Return a birth date by which the person has the recorded age on a date."""
    latest = _years_before(on, age)
    earliest = _years_before(on, age + 1)
    return date.fromordinal(chance.randrange(earliest.toordinal() + 1, latest.toordinal() + 1))


def _years_before(day: date, years: int) -> date:
    year = day.year - years
    last = calendar.monthrange(year, day.month)[1]
    return date(year, day.month, min(day.day, last))
