"""A table as spreadsheets write it, to rows by the name of their columns. Pure.

In French or in English, with semicolons, commas or tabs, in UTF-8, UTF-16 or Windows' own alphabet.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hooks import Message

#: The words of a heading, whatever their case and accents.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "device": (
        "camera", "camera-pieton", "camera pieton", "numero de serie", "n° de serie", "serie",
        "device",
    ),
    "call_sign": ("indicatif", "call sign", "call_sign"),
    "id": ("matricule", "identifiant", "id"),
    "name": ("agent", "nom", "name"),
    "crew": ("equipage", "brigade", "crew"),
    "start": ("debut", "date de debut", "prise de service", "du", "de", "start", "from"),
    "end": ("fin", "date de fin", "fin de service", "au", "a", "end", "to"),
}  # fmt: skip
#: A town's roster of years takes some thousand rows.
LONGEST_BYTES = 5_000_000
#: Above the headings there may be a title, and empty rows.
_ABOVE = 10
#: How workbooks begin (.xlsx, .ods; .xls), which are no tables of text.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class UnreadableRosterError(Exception):
    """Nothing of the table can be read; `why` says it to people."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows by the names of `_COLUMNS`, each with its number in the spreadsheet."""

    rows: tuple[tuple[int, Mapping[str, str]], ...]
    columns: frozenset[str]
    unread: tuple[str, ...]  #: headings nobody knows, and those that come twice


def read_table(body: bytes) -> Table:
    """Read a table.

    Raises
    ------
    UnreadableRosterError
        It is no table, or has no column for cameras nor for crews.
    """
    if len(body) > LONGEST_BYTES:
        raise UnreadableRosterError(
            Message(text="it is larger than {most} bytes", params={"most": LONGEST_BYTES})
        )
    rows = _rows(_text(body))
    for above, cells in enumerate(rows[:_ABOVE], start=1):
        columns, unread = _headings(cells)
        if columns.keys() & {"device", "crew"}:
            return Table(
                rows=tuple(
                    (number, _named(each, columns))
                    for number, each in enumerate(rows[above:], start=above + 1)
                ),
                columns=frozenset(columns), unread=unread,
            )  # fmt: skip
    known = ", ".join(words[0] for words in _COLUMNS.values())
    raise UnreadableRosterError(
        Message(text="no column names cameras nor crews; known: {known}", params={"known": known})
    )


def bare(text: str) -> str:
    """Leave case, accents and spaces out of a comparison."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in apart if not unicodedata.combining(each))
    return re.sub(r"\s+", " ", plain).strip()


def _text(body: bytes) -> str:
    if body.startswith(_WORKBOOKS):
        raise UnreadableRosterError(Message(text="it is no table of text: save it as CSV"))
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")  # Excel's "Unicode text"
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")  # what French spreadsheets write


def _rows(text: str) -> list[list[str]]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text[:4].casefold() == "sep=":  # written for Excel, which does not show it
        text = text.partition("\n")[2]
    first = next((each for each in text.split("\n")[:_ABOVE] if set(each) & set(";,\t")), "")
    delimiter = max(";,\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    line = 1
    try:
        for row in reader:
            rows.append(row)
            line = reader.line_num + 1
    except csv.Error as error:  # left alone, it would swallow the rows after it without a word
        raise UnreadableRosterError(
            Message(text="line {line}: a quotation mark is not closed", params={"line": line})
        ) from error
    return rows


def _headings(cells: Sequence[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    found: dict[str, int] = {}
    unread: list[str] = []
    for index, cell in enumerate(cells):
        names = [name for name, words in _COLUMNS.items() if bare(cell) in words]
        if names and names[0] not in found:
            found[names[0]] = index
        elif cell.strip():
            unread.append(" ".join(cell.split())[:40])
    return found, tuple(unread)


def _named(cells: Sequence[str], columns: Mapping[str, int]) -> dict[str, str]:
    return {
        name: " ".join(cells[index].split())
        for name, index in columns.items()
        if index < len(cells)
    }
