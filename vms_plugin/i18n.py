"""Speak to people in their language: English sentences are the catalogue's ids, French is its text.

Everything a person reads passes here: the page, the alarm in the VMS, the command line.
"""

from __future__ import annotations

import gettext
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import as_file, files

from babel.dates import format_time
from babel.numbers import format_decimal

from hooks import Message

DEFAULT = "fr"
#: What is about a day away is of another day.
OTHER_DAY = timedelta(hours=20)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    with as_file(files("vms_plugin").joinpath("locale")) as folder:
        return gettext.translation("vms_plugin", folder, [language], fallback=True)


class Language:
    """One language: sentences, numbers, times of day, which are the room's: those of `zone`.

    Without a zone they are this machine's, which may keep UTC.
    """

    def __init__(self, code: str = DEFAULT, zone: tzinfo | None = None) -> None:
        self.code, self.zone = code, zone
        self._catalogue = _catalogue(code)

    def __call__(self, text: str, /, **params: object) -> str:
        """Translate a constant sentence and fill in its parameters."""
        return self._fill(self._catalogue.gettext(text) if text else "", params)

    def plural(self, one: str, many: str, count: int, /, **params: object) -> str:
        """Translate a sentence that counts; `{count}` is filled in."""
        text = self._catalogue.ngettext(one, many, count)
        return self._fill(text, {"count": count, **params})

    def message(self, message: Message) -> str:
        """Translate a sentence made by an adapter or by the geography."""
        return self(message.text, **message.params)

    def time(self, moment: datetime) -> str:
        """Write a time of day as the room's clock shows it: 14:02."""
        return format_time(moment.astimezone(self.zone), "HH:mm", locale=self.code)

    def moment(self, moment: datetime) -> str:
        """Write a time of day, with its day when it is of another: 28/11 14:02."""
        near = abs(datetime.now(UTC) - moment) < OTHER_DAY
        day = "" if near else f"{moment.astimezone(self.zone):%d/%m} "
        return day + self.time(moment)

    def _fill(self, text: str, params: dict[str, object]) -> str:
        if not params:
            return text
        said = {
            name: self.message(value) if isinstance(value, Message) else self._number(value)
            for name, value in params.items()
        }
        try:
            return text.format(**said)
        except (KeyError, IndexError, ValueError, TypeError):
            # A stranger's template and parameters may not agree: say what there is.
            return f"{text} {said}" if said else text

    def _number(self, value: object) -> object:
        return _Number(value, self.code) if isinstance(value, float) else value


class _Number(float):
    """A number that a template formats (`{distance_m:.0f}`) with the language's own comma."""

    def __new__(cls, value: float, _code: str) -> _Number:
        return super().__new__(cls, value)

    def __init__(self, _value: float, code: str) -> None:
        super().__init__()
        self._code = code

    def __format__(self, spec: str) -> str:
        text = super().__format__(spec) if spec else format_decimal(self, locale=self._code)
        return text if not spec or self._code == "en" else text.replace(".", ",")
