"""The canonical text of a document as a PDF; the same bytes for the same text and font.

Form        What the text says and nothing else, block by block, then the signing record on a page
            of its own; page numbers and the document's hash in the footer.
Font        Song by its name, which readers of Chinese PDF have, unless a TrueType font is given
            that is then embedded. Latin letters are Helvetica's.
"""

import io
import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table, TableStyle

from counterfoil.contracts.filling import CELL

SONG: Final = "STSong-Light"
_LATIN: Final = "Helvetica"
_LATIN_BOLD: Final = "Helvetica-Bold"
#: Runs that Helvetica has glyphs for; everything else is set in the Chinese font.
_RUNS: Final = re.compile(r"[\x20-\x7e]+|[^\x20-\x7e]+")
_GRID: Final = HexColor("#9aa0a6")
_MARGIN: Final = 20 * mm
_FOOTER_SIZE: Final = 7


def render(text: str, record: str = "", *, font: Path | None = None) -> bytes:
    """Return the PDF of a canonical text, with its signing record behind it where there is one."""
    chinese = _font(font)
    buffer = io.BytesIO()
    pages = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=text.partition("\n")[0].removeprefix("# "),
        author="",
        # Neither date nor chance enters the file.
        invariant=1,
    )
    flow = list(_flow(text.splitlines(), chinese))
    if record:
        flow += [PageBreak(), *_flow(record.splitlines(), chinese)]
    digest = sha256(text.encode()).hexdigest()

    def foot(canvas: Any, _: Any) -> None:
        canvas.setFont(_LATIN, _FOOTER_SIZE)
        canvas.drawString(_MARGIN, _MARGIN / 2, f"SHA-256 {digest}")
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN / 2, f"- {canvas.getPageNumber()} -")

    pages.build(flow, onFirstPage=foot, onLaterPages=foot)
    return buffer.getvalue()


@cache
def _font(path: Path | None) -> str:
    """Register the Chinese font once a process and return its name."""
    if path is None:
        pdfmetrics.registerFont(UnicodeCIDFont(SONG))
        return SONG
    name = f"contract-{path.stem}"
    pdfmetrics.registerFont(TTFont(name, str(path)))
    return name


def _flow(lines: Sequence[str], chinese: str) -> Iterator[Any]:
    styles = _Styles(chinese)
    rows: list[list[str]] = []
    for line in lines:
        if CELL in line:
            rows.append(line.split(CELL))
            continue
        if rows:
            yield _table(rows, styles)
            rows = []
        yield styles.paragraph(line)
    if rows:
        yield _table(rows, styles)


class _Styles:
    """Sizes and leading of the kinds of block; nothing in them is about what is said."""

    def __init__(self, chinese: str) -> None:
        self._chinese = chinese

        def style(size: int, *, before: int = 0, after: int = 3, indent: int = 0) -> ParagraphStyle:
            return ParagraphStyle(
                f"s{size}.{before}.{indent}",
                fontName=chinese,
                fontSize=size,
                leading=size * 3 // 2 + 1,
                spaceBefore=before,
                spaceAfter=after,
                leftIndent=indent,
                wordWrap="CJK",
            )

        self._marks = {
            "# ": (style(16, after=10), _LATIN_BOLD),
            "## ": (style(11, before=8), _LATIN_BOLD),
            "- ": (style(9, indent=12), _LATIN),
        }
        self._plain = style(9)
        self._cell = style(7, after=0)

    def paragraph(self, line: str) -> Paragraph:
        """Return a line of the text as a paragraph."""
        for mark, (style, latin) in self._marks.items():
            if line.startswith(mark):
                return Paragraph(self._markup(line.removeprefix(mark), latin), style)
        return Paragraph(self._markup(line, _LATIN), self._plain)

    def cell(self, text: str, *, is_head: bool) -> Paragraph:
        """Return a cell of a table."""
        return Paragraph(self._markup(text, _LATIN_BOLD if is_head else _LATIN), self._cell)

    def _markup(self, text: str, latin: str) -> str:
        return "".join(
            f'<font name="{latin}">{escape(run)}</font>' if run[0].isascii() else escape(run)
            for run in _RUNS.findall(text)
        )


def _table(rows: Sequence[Sequence[str]], styles: _Styles) -> Table:
    """Return a table whose columns are as wide as what stands in them asks for."""
    cells = [
        [styles.cell(text, is_head=number == 0) for text in row] for number, row in enumerate(rows)
    ]
    wanted = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    # A long cell wraps instead of squeezing the short ones beside it.
    bounded = [min(max(width, 6), 34) for width in wanted]
    room = A4[0] - 2 * _MARGIN
    widths = [room * width / sum(bounded) for width in bounded]
    return Table(
        cells,
        colWidths=widths,
        # The page says what the text says: heads are not repeated.
        repeatRows=0,
        style=TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.25, _GRID),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        ),
        spaceBefore=2,
        spaceAfter=6,
    )


def _width(text: str) -> int:
    """Return the width of a text in halves of a Chinese character."""
    return sum(1 if letter.isascii() else 2 for letter in text)
