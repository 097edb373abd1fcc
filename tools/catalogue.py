"""Extract the sentences people read, and compile the catalogues. With --check: only compare.

A sentence is any constant first argument of the functions below, wherever it stands in our code,
and the `_`-marked and `say(...)` texts of the templates.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "vms_plugin" / "locale"
LANGUAGES = ("fr", "en")
#: The ids are sentences of that language: each is its own text, until somebody writes better.
OURS_ALREADY = "en"
OURS = ("hooks", "adapters", "dispatch_gis", "vms_plugin")
KEYWORDS = {
    "_": None, "say": None, "_say": None, "Message": None, "plural": (1, 2), "AdapterError": None,
    "Unreachable": None, "Refused": None, "NotTaken": None, "BadSettings": (3,), "amiss": (3,),
    "Malformed": (3,), "UnreadableLayerError": None, "UnreachableDatabaseError": None,
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{(\w*)[^{}]*\}")


def sentences() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """List where each sentence is and what it says."""
    for folder in OURS:
        for path in sorted((ROOT / folder).rglob("*")):
            kind = {".py": "python", ".html": "jinja2.ext:babel_extract"}.get(path.suffix)
            if kind is None or "simulator" in path.parts or "vendor" in path.parts:
                continue
            with path.open("rb") as file:
                for _, text, _, _ in extract(kind, file, KEYWORDS, options={"encoding": "utf-8"}):
                    if text and (isinstance(text, tuple) or text.strip()):
                        yield str(path.relative_to(ROOT)), text
    from vms_plugin.web import view  # noqa: PLC0415  (tables of words, said by name)

    for text in (*view._STATUS.values(), *filter(None, view._MEANS.values())):
        yield "vms_plugin/web/view.py", text


def template() -> Catalog:
    """Gather every sentence, with the files that say it."""
    catalog = Catalog(project="renfort", charset="utf-8", fuzzy=False)
    for path, text in sentences():
        catalog.add(text, locations=[(path, 0)])
    return catalog


def faults(language: str) -> list[str]:
    """List what is wrong with a catalogue: missing, empty, other placeholders, stale."""
    wanted, written = template(), read(language)
    found = []
    ids = {message.id for message in wanted if message.id}
    for identifier in sorted(ids, key=str):
        message = written.get(_key(identifier))
        texts = [] if message is None else [message.string] if isinstance(
            message.string, str) else list(message.string)  # fmt: skip
        if not texts or not all(texts) or (message and message.fuzzy):
            found.append(f"{language}: not translated: {identifier}")
        found += [
            f"{language}: other placeholders: {identifier} / {text}"
            for text in texts
            if text and _names(text) != _names(_key(identifier))
        ]
    found += [
        f"{language}: nobody says it any more: {message.id}"
        for message in written if message.id and message.id not in ids
    ]  # fmt: skip
    if compiled(written) != (folder(language) / "vms_plugin.mo").read_bytes():
        found.append(f"{language}: the .mo is not made from the .po: make i18n")
    return found


def _key(identifier: str | tuple[str, ...]) -> str:
    return identifier if isinstance(identifier, str) else identifier[0]


def _names(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def folder(language: str) -> Path:
    """Say where a language's catalogue is."""
    return LOCALE / language / "LC_MESSAGES"


def read(language: str) -> Catalog:
    """Read a catalogue."""
    with (folder(language) / "vms_plugin.po").open("rb") as file:
        return read_po(file, locale=language, domain="vms_plugin")


def compiled(catalog: Catalog) -> bytes:
    """Compile a catalogue."""
    # No date of making: the same .po is the same .mo, on any day.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update(language: str) -> None:
    """Bring a catalogue up to date, and compile it."""
    folder(language).mkdir(parents=True, exist_ok=True)
    path = folder(language) / "vms_plugin.po"
    new = Catalog(
        language, "vms_plugin", "# Renfort, as it speaks to people.", "renfort", fuzzy=False
    )
    catalog = read(language) if path.exists() else new
    catalog.update(template(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    if language == OURS_ALREADY:
        for message in catalog:
            if message.id and not (all(message.string) if message.pluralizable else message.string):
                message.string = message.id
    out = BytesIO()
    write_po(out, catalog, width=100, sort_output=True, omit_header=False, include_lineno=False)
    stable = re.sub(rb'"(POT-Creation|PO-Revision)-Date: [^"]*"\n', b"", out.getvalue())
    path.write_bytes(stable)
    (folder(language) / "vms_plugin.mo").write_bytes(compiled(read(language)))


def main() -> int:
    """Update every catalogue, or check them; print what is wrong."""
    if "--check" not in sys.argv:
        for language in LANGUAGES:
            update(language)
    found = [fault for language in LANGUAGES for fault in faults(language)]
    print("\n".join(found) or "catalogues complete")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
