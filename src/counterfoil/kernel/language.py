"""The languages in which customers and staff are written to."""

from enum import StrEnum


class Language(StrEnum):
    """A language that every notice, template, sheet and page exists in (ISO 639-1)."""

    CHINESE = "zh"
    ENGLISH = "en"
