"""Write pages that are printed and signed: A4, one column, page numbers, fonts inside. Pure.

The same content gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
MARGIN = 48.0
_LEFT, _RIGHT, _TOP, _BOTTOM = MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN, MARGIN + 18
#: Bitstream Vera, which reportlab brings: free, and with all the letters of French.
_FONTS = {"Vera": "Vera.ttf", "VeraBd": "VeraBd.ttf"}


class _Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
    """A canvas that writes « page 2 / 7 » on each page once it knows how many there are."""

    def __init__(self, *given: Any, page: str, foot: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self._page_word, self._foot = page, foot
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page until all are there."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write the pages, now numbered."""
        for number, page in enumerate(self._kept, 1):
            self.__dict__.update(page)
            self.setFont("Vera", 7)
            self.drawString(_LEFT, MARGIN - 10, self._foot)
            numbered = f"{self._page_word} {number} / {len(self._kept)}"
            self.drawRightString(_RIGHT, MARGIN - 10, numbered)
            super().showPage()
        super().save()


class Paper:
    """A document written from top to bottom.

    Parameters
    ----------
    title
        Of the file, and at the foot of each page.
    page
        The word « page » in the reader's language.
    """

    def __init__(self, title: str, page: str) -> None:
        for name, file in _FONTS.items():
            if name not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(name, file))
        self._bytes = BytesIO()
        self._canvas = _Numbered(
            self._bytes, pagesize=A4, invariant=1, page=page, foot=_known(title)
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor("Renfort")
        self._y = _TOP

    def title(self, text: str) -> None:
        """Write the title."""
        self._write(text, "VeraBd", 15, after=8)

    def heading(self, text: str) -> None:
        """Write a heading, never alone at the foot of a page."""
        self._room(60)
        self._y -= 8
        self._write(text, "VeraBd", 11, after=4)

    def text(self, text: str, *, small: bool = False) -> None:
        """Write a paragraph."""
        self._write(text, "Vera", 7 if small else 9.5, after=3 if small else 5)

    def figure(self, name: str, value: str) -> None:
        """Write a name and its figure on one line."""
        self._room(14)
        names = simpleSplit(_known(name), "Vera", 9.5, _RIGHT - _LEFT - 90)
        self._canvas.setFont("VeraBd", 9.5)
        self._canvas.drawRightString(_RIGHT, self._y - 10, _known(value))
        for line in names:
            self._canvas.setFont("Vera", 9.5)
            self._canvas.drawString(_LEFT, self._y - 10, line)
            self._y -= 13
        self._y -= 2

    def entry(self, head: str, lines: Iterable[str]) -> None:
        """Write an entry of a list, kept on one page where it can be: a head, then small lines."""
        split = [part for line in lines for part in self._split(line, "Vera", 7)]
        self._room(min(14 + 9 * len(split), _TOP - _BOTTOM))
        self._write(head, "VeraBd", 8, after=0)
        for line in split:
            self._line(line, "Vera", 7)
        self._y -= 4

    def blanks(self, count: int) -> None:
        """Draw lines to write on by hand."""
        for _ in range(count):
            self._room(22)
            self._y -= 22
            self._canvas.setLineWidth(0.3)
            self._canvas.line(_LEFT, self._y, _RIGHT, self._y)
        self._y -= 8

    def done(self) -> bytes:
        """Give the file."""
        self._canvas.showPage()
        self._canvas.save()
        return self._bytes.getvalue()

    # --- lines ---

    def _write(self, text: str, font: str, size: float, after: float) -> None:
        for line in self._split(text, font, size):
            self._line(line, font, size)
        self._y -= after

    def _line(self, line: str, font: str, size: float) -> None:
        self._room(size * 1.3)
        self._y -= size * 1.3
        self._canvas.setFont(font, size)
        self._canvas.drawString(_LEFT, self._y, line)

    def _split(self, text: str, font: str, size: float) -> list[str]:
        width = _RIGHT - _LEFT
        lines: list[str] = simpleSplit(_known(text), font, size, width)
        return [part for line in lines for part in _cut(line, font, size, width)]

    def _room(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._canvas.showPage()
            self._y = _TOP


def _cut(line: str, font: str, size: float, width: float) -> list[str]:
    """Cut a word longer than the page, such as a mark or a hostile name."""
    parts = []
    while pdfmetrics.stringWidth(line, font, size) > width:
        most = max(1, int(len(line) * width / pdfmetrics.stringWidth(line, font, size)) - 1)
        parts.append(line[:most])
        line = line[most:]
    return [*parts, line]


def _known(text: str) -> str:
    """Write letters that the font lacks as their number: nothing disappears in silence."""
    glyphs = pdfmetrics.getFont("Vera").face.charToGlyph
    return "".join(
        each if ord(each) in glyphs or each == "\n" else f"[U+{ord(each):04X}]" for each in text
    )
