"""HTML and SVG by functions: whatever is not markup already is data, so it is cut to a length and escaped."""

import html
import re

MOST = 300  # characters of one piece of text; names of features and levels are users' data
# Not allowed in HTML, or not visible in it: written out, so that a reader sees what the data hold.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Markup."""

    __slots__ = ()


def safe(content: object) -> Html:
    return content if isinstance(content, Html) else _escaped(short(str(content), MOST))


def join(*content: object) -> Html:
    return Html("".join(map(safe, content)))


def element(name: str, *content: object, **attributes: object) -> Html:
    """attributes: those that are None are left out; `class_` and `aria_label` are `class` and `aria-label`."""
    given = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    inside = "".join(f' {key}="{_escaped(str(value))}"' for key, value in given)
    return Html(f"<{name}{inside}>{join(*content)}</{name}>")


def short(text: str, most: int) -> str:
    kept = text if len(text) <= most else text[: most - 1] + "\u2026"
    return _printable(kept)


def _escaped(text: str) -> Html:
    return Html(html.escape(_printable(text)))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def section(name: str, title: str, *content: object) -> Html:
    """One that the page's table of contents can name."""
    return element("section", element("h2", title), *content, id=name)


def aside(*content: object) -> Html:
    """A paragraph that explains what is beside it."""
    return element("p", *content, class_="faint")


def listing(lines: list[str] | tuple[str, ...], most: int = 12, rest: str = "more") -> Html:
    shown = [element("li", line) for line in lines[:most]]
    if len(lines) > most:
        shown.append(element("li", f"{len(lines) - most:,} {rest}", class_="faint"))
    return element("ul", *shown)


def table(caption: str, head: tuple[str, ...], rows: list[tuple[object, ...]], class_: str = "") -> Html:
    """The first cell of a row is its heading. A wide table scrolls by itself, also by keyboard."""
    heads = element("tr", *(element("th", title, scope="col") for title in head))
    body = (element("tr", element("th", row[0], scope="row"), *(element("td", c) for c in row[1:])) for row in rows)
    whole = element("table", element("caption", caption), element("thead", heads), element("tbody", *body))
    kind = f"wide {class_}".strip()
    return element("div", whole, class_=kind, role="region", aria_label=caption, tabindex="0")
