"""A report's XML as a bounded list of tags and texts; what is not XML like that is refused.

Invariant   No document type, no entity of its own, no processing instruction: nothing in the text
            can make the parser fetch or repeat anything. Size, depth and number of elements are
            bounded before anything is built from them.
Text        Of elements without others inside; what stands between elements is nothing.
Follows     XML 1.0, read by expat; attributes are ignored, the format has none.
"""

from dataclasses import dataclass
from typing import Any, Final
from xml.parsers import expat

BYTES_MAX: Final = 4 * 1024 * 1024
DEPTH_MAX: Final = 16
ELEMENTS_MAX: Final = 200_000


class ReportMalformedError(ValueError):
    """The text is no report of the format."""


@dataclass(slots=True)
class Element:
    """One element: its text, and which part of the document stands in it."""

    tag: str
    #: Place in the document; the elements inside follow up to `end`.
    place: int
    text: str = ""
    end: int = 0

    @property
    def is_leaf(self) -> bool:
        """Return whether no element stands inside."""
        return self.end == self.place + 1


@dataclass(slots=True)
class Document:
    """All elements in the order in which they begin."""

    elements: list[Element]

    @property
    def root(self) -> Element:
        """Return the element that everything stands in."""
        return self.elements[0]

    def inside(self, element: Element) -> list[Element]:
        """Return the elements inside one, in order."""
        return self.elements[element.place + 1 : element.end]

    def texts(self, element: Element) -> dict[str, str]:
        """Return the text of the first element of each name inside one."""
        # Backwards, so that the first one is what stays.
        return {item.tag: item.text for item in reversed(self.inside(element))}

    def of_tag(self, tag: str, within: Element | None = None) -> list[Element]:
        """Return the elements of a name, in order."""
        elements = self.elements if within is None else self.inside(within)
        return [item for item in elements if item.tag == tag]


class _Builder:
    """Takes the parser's events; the parser itself stays outside."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._text: list[str] = []
        self.elements: list[Element] = []

    def start(self, tag: str, _attributes: Any) -> None:
        place = len(self.elements)
        if len(self._open) >= DEPTH_MAX or place >= ELEMENTS_MAX:
            raise ReportMalformedError("too deep or too many elements")
        element = Element(tag, place)
        self.elements.append(element)
        self._open.append(element)
        self._text.clear()

    def end(self, _tag: str) -> None:
        element = self._open.pop()
        element.end = len(self.elements)
        if element.is_leaf:
            element.text = "".join(self._text).strip()
        self._text.clear()

    def data(self, text: str) -> None:
        self._text.append(text)

    @staticmethod
    def refuse(*_: Any) -> None:
        raise ReportMalformedError("a document type, an entity or an instruction")


def read_document(text: bytes) -> Document:
    """Return the elements of a document; raise ReportMalformedError for everything else."""
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
    assert builder.elements, "a well-formed document has a root"
    return Document(builder.elements)
