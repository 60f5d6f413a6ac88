"""Checks of a page's own structure: what a screen reader and a keyboard depend on.

Follows     WCAG 2.2 A and AA, as far as markup alone can show it; contrast is checked on tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "source"})
SVG_VOID = frozenset({"path", "rect", "circle"})
LABELLED = frozenset({"input", "select", "textarea"})
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def walk(self) -> Iterator["Element"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, *tags: str) -> list["Element"]:
        return [element for element in self.walk() if element.tag in tags]

    def words(self) -> str:
        """Return the text that a reader hears, without what is hidden from one."""
        if self.attributes.get("aria-hidden") == "true":
            return ""
        inner = " ".join(child.words() for child in self.children)
        own = self.attributes.get("alt", "") if self.tag == "img" else self.text
        return f"{own} {inner}".strip()

    def ancestors(self) -> Iterator["Element"]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self.open = self.root
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(element)
        if tag not in VOID:
            self.open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.children.append(Element(tag, {n: v or "" for n, v in attrs}, self.open))

    def handle_endtag(self, tag: str) -> None:
        if self.open.tag != tag:
            self.faults.append(f"</{tag}> closes <{self.open.tag}>")
        if self.open.parent is not None:
            self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        self.open.text += data.strip()


def parse(text: str) -> tuple[Element, list[str]]:
    """Return the page as a tree and what is not well-formed in it."""
    builder = _Builder()
    builder.feed(text)
    builder.close()
    if builder.open is not builder.root:
        builder.faults.append(f"<{builder.open.tag}> is never closed")
    return builder.root, builder.faults


def faults(text: str) -> list[str]:
    """Return everything that is wrong with a page."""
    root, found = parse(text)
    for check in (
        _ids, _language, _headings, _landmarks, _labels, _names, _tables, _images, _policy,
    ):  # fmt: skip
        found += check(root)
    return found


def _ids(root: Element) -> list[str]:
    ids = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
    found = [f"the id {name} is there twice" for name in {n for n in ids if ids.count(n) > 1}]
    for element in root.walk():
        for name in ("aria-labelledby", "aria-describedby", "for", "popovertarget"):
            found += [
                f"{name} of <{element.tag}> points to {target}, which is nowhere"
                for target in element.attributes.get(name, "").split()
                if target not in ids
            ]
    return found


def _language(root: Element) -> list[str]:
    html = root.all("html")[0]
    title = root.all("title")[0]
    found = [] if html.attributes.get("lang") in {"en", "zh-CN"} else ["the page has no language"]
    return found if title.text else [*found, "the page has no title"]


def _headings(root: Element) -> list[str]:
    levels = [int(element.tag[1]) for element in root.all(*HEADINGS) if _is_in_main(element)]
    found = [] if levels.count(1) == 1 else [f"there are {levels.count(1)} main headings"]
    if levels and levels[0] != 1:
        found.append("the first heading is not the main one")
    for before, after in pairwise(levels):
        if after > before + 1:
            found.append(f"a heading of level {after} follows one of level {before}")
    found += [f"<{e.tag}> is empty" for e in root.all(*HEADINGS) if not e.words()]
    return found


def _is_in_main(element: Element) -> bool:
    return any(above.tag == "main" for above in element.ancestors())


def _landmarks(root: Element) -> list[str]:
    found = [] if len(root.all("main")) == 1 else ["there is not exactly one main landmark"]
    first = next(e for e in root.all("body")[0].children)
    if first.attributes.get("href") != "#main":
        found.append("the page does not begin with a link to its content")
    names = [nav.attributes.get("aria-label") for nav in root.all("nav")]
    if len(names) != len(set(names)) or None in names:
        found.append(f"navigations need different names: {names}")
    return found


def _labels(root: Element) -> list[str]:
    labelled = {label.attributes.get("for") for label in root.all("label")}
    found = []
    for element in root.all(*LABELLED):
        if element.attributes.get("type") == "hidden":
            continue
        is_inside = any(above.tag == "label" for above in element.ancestors())
        if not is_inside and element.attributes.get("id") not in labelled:
            found.append(f"<{element.tag} name={element.attributes.get('name')}> has no label")
    return found


def _names(root: Element) -> list[str]:
    found = []
    for element in root.all("a", "button", "summary", "th"):
        name = element.attributes.get("aria-label") or element.words()
        if not name.strip():
            found.append(f"<{element.tag} {element.attributes}> has no name")
    found += [
        "a positive tabindex changes the reading order"
        for element in root.walk()
        if int(element.attributes.get("tabindex", "0")) > 0
    ]
    found += [
        f"<{element.tag}> has no name"
        for element in root.all("meter", "progress")
        if "aria-label" not in element.attributes and "aria-hidden" not in element.attributes
    ]
    return found


def _tables(root: Element) -> list[str]:
    found = []
    for table in root.all("table"):
        if not table.all("caption"):
            found.append("a table has no caption")
        found += [f"<th> {th.words()} has no scope" for th in table.all("th")
                  if "scope" not in th.attributes]  # fmt: skip
        head, body = table.all("thead"), table.all("tbody")
        if head and body:
            columns = len(head[0].all("th", "td"))
            spans = _row_widths(body[0])
            found += [f"a row has {w} cells under {columns} headers" for w in spans if w != columns]
    return found


def _row_widths(body: Element) -> list[int]:
    """Return how many columns each row fills, counting cells that reach down from above."""
    widths, reaching = [], 0
    rows_left = 0
    for row in body.all("tr"):
        width = reaching if rows_left else 0
        rows_left = max(0, rows_left - 1)
        if not rows_left:
            reaching = 0
        for cell in row.all("th", "td"):
            width += int(cell.attributes.get("colspan", "1"))
            span = int(cell.attributes.get("rowspan", "1"))
            if span > 1:
                reaching, rows_left = 1, span - 1
        widths.append(width)
    return widths


def _images(root: Element) -> list[str]:
    found = [
        f"<img {e.attributes}> has no alt" for e in root.all("img") if "alt" not in e.attributes
    ]
    for picture in root.all("svg"):
        if picture.attributes.get("aria-hidden") == "true":
            continue
        if picture.attributes.get("role") != "img" or not picture.all("title"):
            found.append("a picture has no title")
    return found


def _policy(root: Element) -> list[str]:
    """Return what the content security policy would block."""
    found = []
    for element in root.walk():
        for name, value in element.attributes.items():
            if name == "style" or name.startswith("on"):
                found.append(f"<{element.tag}> has {name}=")
            if name in {"href", "src", "action"} and "//" in value:
                found.append(f"<{element.tag}> leads out of the site: {value}")
        if element.tag == "style" or (element.tag == "script" and element.text):
            found.append(f"<{element.tag}> is written into the page")
    return found
