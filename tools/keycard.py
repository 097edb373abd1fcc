"""Write the key card: one sheet to print and keep under the screen, from the page's own table.

    python tools/keycard.py [fr|en]

Reads the table of keys in `vms_plugin/static/app.js` and the catalogue: it says what keys do,
and writes `docs/operateurs/carte-touches.html`, which any browser prints on one A5 sheet.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

from vms_plugin.i18n import Language
from vms_plugin.web.words import WORDS

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "vms_plugin" / "static" / "app.js"
CARD = ROOT / "docs" / "operateurs" / "carte-touches.html"
#: A row: ["n", "N", words.keyNext, act]; what it shows is a word or a text.
ROW = re.compile(r'^  \["[^"]+", (?:"([^"]+)"|words\.(\w+)), words\.(\w+),', re.MULTILINE)
STYLE = """
@page { size: A5 landscape; margin: 8mm } * { box-sizing: border-box }
body { font: 12pt/1.3 system-ui, sans-serif; margin: 0; color: #000 }
h1 { font-size: 15pt; margin: 0 0 3mm } p { margin: 3mm 0 0; font-size: 10pt }
dl { display: grid; grid-template-columns: auto 1fr auto 1fr; gap: 1.6mm 4mm; margin: 0 }
dt { text-align: center; font: 700 12pt/1.4 ui-monospace, monospace; border: 1.5pt solid #000;
  border-radius: 1.5mm; padding: 0 2mm; align-self: center }
dt.first { background: #000; color: #fff } dd { margin: 0; align-self: center }
"""


def rows(say: Language) -> list[tuple[str, str]]:
    """List each key as it is written on the keyboard, and what it does."""
    table = ROW.findall(SCRIPT.read_text(encoding="utf-8"))
    keys = [(shown or say(WORDS[word]), say(WORDS[what])) for shown, word, what in table]
    return [*keys, (say(WORDS["keyEscape"]), say(WORDS["keyCancel"]))]


def card(code: str) -> str:
    """Write the card, in a language."""
    say = Language(code)
    first = 'class="first"'
    lines = "\n".join(
        f"<dt {first if number < 2 else ''}>{html.escape(key)}</dt><dd>{html.escape(what)}</dd>"
        for number, (key, what) in enumerate(rows(say))
    )
    title = f"Renfort — {say(WORDS['keysTitle'])}"
    return (
        f'<!doctype html>\n<html lang="{code}">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n<h1>{title}</h1>\n<dl>\n{lines}\n</dl>\n</html>\n"
    )


if __name__ == "__main__":
    CARD.write_text(card(sys.argv[1] if len(sys.argv) > 1 else "fr"), encoding="utf-8")
    print(CARD.relative_to(ROOT))
