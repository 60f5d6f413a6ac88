"""A report's XML as a bounded tree of tags, text and groups; what is not XML like that is refused.

Invariant   No document type, no entity of its own, no processing instruction: nothing in the text
            can make the parser fetch or repeat anything. Size, depth and number of elements are
            bounded before anything is built from them.
Follows     XML 1.0, read by expat; attributes are ignored, the format has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

BYTES_MAX: Final = 4 * 1024 * 1024
DEPTH_MAX: Final = 16
ELEMENTS_MAX: Final = 200_000


class ReportMalformedError(ValueError):
    """The text is no report of the format."""


@dataclass(slots=True)
class Element:
    """One element with its text and what stands in it."""

    tag: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        """Yield this element and everything below it, in the order of the document."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))

    def texts(self) -> dict[str, str]:
        """Return the text of the first element of each name here and below."""
        found: dict[str, str] = {}
        for element in self.walk():
            found.setdefault(element.tag, element.text)
        return found


class _Builder:
    """Takes the parser's events; the parser itself stays outside."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0
        self.root: Element | None = None

    def start(self, tag: str, _attributes: Any) -> None:
        self._count += 1
        if len(self._open) >= DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise ReportMalformedError("too deep or too many elements")
        element = Element(tag)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, _tag: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop()).strip()

    def data(self, text: str) -> None:
        self._texts[-1].append(text)

    @staticmethod
    def refuse(*_: Any) -> None:
        raise ReportMalformedError("a document type, an entity or an instruction")


def read_document(text: bytes) -> Element:
    """Return the tree of a document; raise ReportMalformedError for everything else."""
    if len(text) > BYTES_MAX:
        raise ReportMalformedError("larger than a report is")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.ProcessingInstructionHandler = builder.refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, ReportMalformedError):
            raise
        raise ReportMalformedError("not well-formed XML") from error
    assert builder.root is not None, "a well-formed document has a root"
    return builder.root
