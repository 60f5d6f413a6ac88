"""What a person's name, identity number and phone number have to look like.

Follows     GB 11643 (the resident identity number: region, birth date, sequence, check character),
            ISO 7064 MOD 11-2 (the check character), ITU-T E.164 (the normal form of a phone
            number), Unicode NFC (the normal form of a name).
Invariant   What passes is in its normal form: two spellings of the same number are one text,
            which is what the blind index needs. No message repeats what was sent.
Limits      A number can be well-formed and belong to nobody; that it is this person's is for
            other sources to say. Regions are checked by province: counties come and go, and a
            number keeps the code of the year in which it was given.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

import phonenumbers

from counterfoil.customers.refusals import ID_NUMBER_INVALID, NAME_INVALID, PHONE_INVALID
from counterfoil.kernel.errors import Refused, refuse

NAME_LENGTH_MAX = 50
#: Older than anybody whose age is proven.
AGE_YEARS_MAX = 125

#: The first two digits: provinces, municipalities, autonomous and special regions.
PROVINCES = frozenset(
    {
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    }
)

_ID_NUMBER = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_HOME_REGION = "CN"
_PHONE_LENGTH_MAX = 24
_MOBILE_TYPES = frozenset(
    {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
)
#: Letters, marks and numerals may stand in a name, and what is used between its parts.
_NAME_PUNCTUATION = frozenset(" .-'’·•‧")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person's particulars in their normal form; never stored in the clear."""

    name: str
    id_number: str
    #: E.164: plus sign, country, number.
    phone: str
    birth_date: date


def check_person(*, name: str, id_number: str, phone: str, today: date) -> Person | Refused:
    """Return the particulars in their normal form, or the first thing that is wrong."""
    checked_name = check_name(name)
    if isinstance(checked_name, Refused):
        return checked_name
    checked_number = check_id_number(id_number, today)
    if isinstance(checked_number, Refused):
        return checked_number
    checked_phone = check_phone(phone)
    if isinstance(checked_phone, Refused):
        return checked_phone
    return Person(
        name=checked_name,
        id_number=checked_number,
        phone=checked_phone,
        birth_date=birth_date_of(checked_number),
    )


def check_name(text: str) -> str | Refused:
    """Return a name in NFC without blanks around it."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        return refuse(NAME_INVALID, fault="is empty")
    if len(name) > NAME_LENGTH_MAX:
        return refuse(NAME_INVALID, fault=f"is longer than {NAME_LENGTH_MAX} characters")
    if not any(unicodedata.category(letter)[0] == "L" for letter in name):
        return refuse(NAME_INVALID, fault="has no letter")
    if not all(_may_stand_in_name(letter) for letter in name):
        return refuse(NAME_INVALID, fault="has a character that no name has")
    return name


def _may_stand_in_name(letter: str) -> bool:
    return letter in _NAME_PUNCTUATION or unicodedata.category(letter)[0] in "LM"


def check_id_number(text: str, today: date) -> str | Refused:
    """Return an identity number in its normal form: 18 characters, X in capitals."""
    number = "".join(text.split()).upper()
    if not _ID_NUMBER.fullmatch(number):
        return refuse(ID_NUMBER_INVALID, fault="does not have 17 digits and a digit or X")
    if number[:2] not in PROVINCES:
        return refuse(ID_NUMBER_INVALID, fault="begins with a region that does not exist")
    try:
        born = birth_date_of(number)
    except ValueError:
        return refuse(ID_NUMBER_INVALID, fault="has a birth date that does not exist")
    if born > today or age_on(born, today) > AGE_YEARS_MAX:
        return refuse(ID_NUMBER_INVALID, fault="has a birth date that cannot be")
    if check_character(number[:17]) != number[17]:
        return refuse(ID_NUMBER_INVALID, fault="has a wrong check character")
    return number


def check_character(digits: str) -> str:
    """Return the check character of the first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def birth_date_of(id_number: str) -> date:
    """Return the birth date in an identity number; raise ValueError where there is none."""
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


def age_on(birth_date: date, day: date) -> int:
    """Return the age in whole years; who was born on 29 February is a year older on 1 March."""
    before_birthday = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before_birthday


def check_phone(text: str) -> str | Refused:
    """Return a mobile number in E.164; without a country it is one of mainland China."""
    if len(text) > _PHONE_LENGTH_MAX:
        return refuse(PHONE_INVALID, fault="is too long")
    try:
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException:
        return refuse(PHONE_INVALID, fault="is not a phone number")
    kind = phonenumbers.number_type(number)
    if number.extension or kind == phonenumbers.PhoneNumberType.UNKNOWN:
        return refuse(PHONE_INVALID, fault="does not exist in any numbering plan")
    if kind not in _MOBILE_TYPES:
        return refuse(PHONE_INVALID, fault="is not a mobile number")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
