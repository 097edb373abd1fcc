"""Words: whole in French and in English, the page's own in particular."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from runpy import run_path
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment, PackageLoader

from hooks import Message
from vms_plugin.i18n import Language
from vms_plugin.web.words import WORDS


def page(language: str) -> str:
    say = Language(language)
    words = {name: say(text) for name, text in WORDS.items()}
    template = Environment(loader=PackageLoader("vms_plugin"), autoescape=True).get_template(
        "page.html"
    )
    return template.render(say=say, words=words, user="Léa")


def test_the_page_says_nothing_in_the_other_language() -> None:
    french, english = page("fr"), page("en")

    assert 'lang="fr"' in french
    assert 'lang="en"' in english
    assert not re.search(r"\b(alerte|équipage|renforts|touches|prendre|caméra)\b", english.lower())
    assert not re.search(r"\b(the|officer|crew|take in charge|undo|keys)\b", _text(french))


def _text(html: str) -> str:
    """Read what people read: neither names of elements nor of words."""
    words = re.search(r'data-words="([^"]*)"', html)
    assert words is not None
    said = re.findall(r"&#34;: &#34;(.*?)&#34;", words.group(1))
    said = [re.sub(r"\{\w+\}", "", json.loads(f'"{each}"')) for each in said]
    return " ".join([*said, re.sub(r"<[^>]*>", " ", html.replace(words.group(0), ""))]).lower()


def test_every_word_of_the_scripts_is_given_and_none_for_nothing() -> None:
    scripts = "".join(
        each.read_text(encoding="utf-8")
        for each in sorted(
            files("vms_plugin").joinpath("static").iterdir(), key=lambda file: file.name
        )
        if each.name.endswith(".js") and each.name != "crew.js"  # it has words of its own
    )
    used = set(re.findall(r"words\.(\w+)", scripts))
    #: Said by a name that the host gives: phases, steps, escalations.
    named = {
        "new",
        "taken",
        "engaged",
        "closed",
        "alerted",
        "en_route",
        "on_scene",
        "room",
        "outside",
    }

    assert used - set(WORDS) == set()
    assert set(WORDS) - used - named == set()


def test_the_key_card_is_printed_from_the_pages_own_table() -> None:
    root = Path(__file__).parents[2]
    tool = run_path(str(root / "tools" / "keycard.py"), run_name="card")
    script = (root / "vms_plugin" / "static" / "app.js").read_text(encoding="utf-8")
    table = script.partition("new Keys([")[2].partition("], acts.engage")[0]
    named = set(re.findall(r"words\.(key\w+)", table)) - {"keyEnter"}
    said = {what for _, what in tool["rows"](Language("fr"))}

    assert {Language("fr")(WORDS[name]) for name in named} <= said
    card = root / "docs" / "operateurs" / "carte-touches.html"
    assert card.read_text(encoding="utf-8") == tool["card"]("fr")


@pytest.mark.parametrize(
    ("language", "one", "two"),
    [("fr", "1 élément pas", "2 éléments pas"), ("en", "1 thing", "2 things")],
)
def test_counts_and_numbers_are_of_the_language(language: str, one: str, two: str) -> None:
    say = Language(language)

    def count(number: int) -> str:
        return say.plural("{count} thing not shown yet", "{count} things not shown yet", number)

    assert count(1).startswith(one)
    assert count(2).startswith(two)
    comma = {"fr": "0,4", "en": "0.4"}[language]
    assert say.message(Message(text="{km:.1f} km", params={"km": 0.4})).startswith(comma)
    assert re.fullmatch(r"\d\d:\d\d", say.time(datetime(2026, 7, 29, 14, 2, tzinfo=UTC)))


def test_an_hour_of_another_day_says_which() -> None:
    say, now = Language("fr", ZoneInfo("Europe/Paris")), datetime.now(UTC)
    old = now - timedelta(days=3)

    assert say.moment(now) == say.time(now)
    assert say.moment(old) == f"{old.astimezone(ZoneInfo('Europe/Paris')):%d/%m %H:%M}"


def test_an_hour_is_the_rooms_whatever_zone_its_server_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/Martinique")
    time.tzset()
    try:
        say = Language("fr", ZoneInfo("Europe/Paris"))

        assert say.time(datetime(2026, 7, 29, 14, 2, tzinfo=UTC)) == "16:02"
    finally:
        monkeypatch.undo()
        time.tzset()
