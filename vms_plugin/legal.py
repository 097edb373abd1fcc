"""What the law sets as a figure: dated data with its article, never a constant in code.

`legal.toml` beside holds the general law; a site's file adds what its prefect's order sets, such as
the number of cameras (CSI R241-8 II). Pure, apart from reading these files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from hooks import Message
from hooks.causes import cause

KNOWN = ("recordings_kept", "register_kept", "cctv_register_kept_at_most", "log_kept_at_most",
         "cameras_at_most")  # fmt: skip
_UNITS = ("years", "months", "days", "count")


class BadLawError(Exception):
    """A file of legal parameters is wrong; `why` says where and what to write."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One figure of the law, and the days it is in force."""

    name: str
    amount: int
    unit: str  #: "years", "months", "days", or "count" for a number of things
    article: str
    since: date
    until: date | None = None  #: the last day; None: still in force

    def in_force(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.since <= day and (self.until is None or day <= self.until)

    @property
    def delay(self) -> relativedelta:
        """The duration: calendar months and years, not so many days."""
        return relativedelta(**{self.unit: self.amount})  # type: ignore[arg-type]


class Law:
    """All the figures, by name and day."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._parameters = tuple(parameters)

    def get(self, name: str, day: date) -> Parameter | None:
        """Give the figure in force on a day; of several, the one that began last."""
        held = [each for each in self._parameters if each.name == name and each.in_force(day)]
        return max(held, key=lambda each: each.since, default=None)

    def require(self, name: str, day: date) -> Parameter:
        """Give a figure that has to be there: before its first line, that line holds already."""
        held = self.get(name, day)
        if held is None:
            named = [each for each in self._parameters if each.name == name]
            held = min(named, key=lambda each: abs((each.since - day).days))
        return held

    # --- what is counted from them ---

    def last_day(self, recorded: datetime, today: date, zone: ZoneInfo) -> date:
        """Say the last day on which a recording is kept (R241-13).

        « À compter du jour de leur enregistrement »: from the day, not the hour, on the clocks of
        the place. A month ends on the day of the same number, or on the last day of a shorter
        month, at midnight (code de procédure civile, art. 641 and 642).
        """
        kept = self.require("recordings_kept", today)
        return recorded.astimezone(zone).date() + kept.delay

    def over(self, recorded: datetime, now: datetime, zone: ZoneInfo) -> bool:
        """Whether a recording may no longer be kept."""
        today = now.astimezone(zone).date()
        return today > self.last_day(recorded, today, zone)

    def register_kept_since(self, now: datetime) -> datetime:
        """Say from when on entries of the register are kept: three years, exactly (R241-14).

        An entry of 1 March is kept until 1 March three years on, also when 29 February stands
        between: where the day does not exist, the next one counts, so that nothing goes early.
        """
        kept = self.require("register_kept", now.date())
        back = now - kept.delay
        return back if back.day == now.day else back + timedelta(days=1)


@cache
def general() -> tuple[Parameter, ...]:
    """Read the law that holds for everyone."""
    text = files("vms_plugin").joinpath("legal.toml").read_text(encoding="utf-8")
    return tuple(read(tomllib.loads(text)))


def law(own: Path | None = None) -> Law:
    """Read the law, with what a site's own file adds.

    Raises
    ------
    BadLawError
        The site's file cannot be read, or a line of it is wrong.
    """
    if own is None:
        return Law(general())
    try:
        document = tomllib.loads(own.read_text(encoding="utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = Message(text="is not TOML: {cause}", params={"cause": cause(error)})
        raise BadLawError(why) from error
    return Law((*general(), *read(document)))


def read(document: Mapping[str, Any]) -> list[Parameter]:
    """Read lines of parameters; `BadLawError` names the first that is wrong."""
    lines = document.get("parameter")
    if not isinstance(lines, list) or set(document) != {"parameter"}:
        raise BadLawError(Message(text="write lines [[parameter]], and nothing else"))
    return [_parameter(number, line) for number, line in enumerate(lines, 1)]


def _parameter(number: int, line: Mapping[str, Any]) -> Parameter:
    units = [unit for unit in _UNITS if unit in line]
    name, article, since, until = (line.get(key) for key in ("name", "article", "from", "until"))
    odd = set(line) - {"name", "article", "from", "until", *_UNITS}
    if (
        odd
        or name not in KNOWN
        or len(units) != 1
        or type(line[units[0]]) is not int
        or line[units[0]] < 1
        or not isinstance(article, str)
        or not article
        or type(since) is not date
        or (until is not None and (type(until) is not date or until < since))
    ):
        raise BadLawError(
            Message(
                text="parameter {number}: write name (one of: {names}), one of years, months, "
                "days, count, the article, and from, until as days",
                params={"number": number, "names": ", ".join(KNOWN)},
            )
        )
    return Parameter(
        name=str(name), amount=line[units[0]], unit=units[0], article=article, since=since,
        until=until,
    )  # fmt: skip
