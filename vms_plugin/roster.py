"""The roster: who wears which camera, in which crew, and who is on duty, by date. Pure.

A table that staff keep in a spreadsheet, in French or in English, with semicolons, commas or tabs.
A wrong assignment is what the CNIL gave a town formal notice for (2021): two rows that contradict
each other are named, and a maker who says otherwise is said beside the officer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hooks import CrewId, DeviceId, Message, Officer
from vms_plugin.roster_table import Table, bare, read_table

_MOMENTS = (
    "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip
_DAYS = ("%d/%m/%Y", "%Y-%m-%d")
#: The end of a day, as ISO 8601 and people write it.
_MIDNIGHT = ("24:00", "24:00:00")

_EVER = datetime.min.replace(tzinfo=UTC)
_FURTHER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wearer:
    """Who wears a device, where the maker does not say it, or says it badly."""

    call_sign: str = ""
    name: str = ""
    id: str = ""  #: the maker's identifier of the wearer, to be compared
    crew: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table: from `start` on, up to `end`, not included."""

    row: int
    start: datetime = _EVER
    end: datetime = _FURTHER
    device: str = ""  #: serial number, or `<adapter>:<serial>`; empty: a crew's hours of duty
    crew: str = ""
    wearer: Wearer = field(default_factory=Wearer)

    def holds(self, at: datetime) -> bool:
        """Whether it is true at that moment."""
        return self.start <= at < self.end

    def period(self) -> tuple[str, str]:
        """Write when it is true; empty: without bound."""
        return (
            "" if self.start == _EVER else self.start.isoformat(),
            "" if self.end == _FURTHER else self.end.isoformat(),
        )


@dataclass(frozen=True, slots=True)
class Roster:
    """What the table says, and what is wrong in it."""

    lines: tuple[Line, ...] = ()
    faults: tuple[Message, ...] = ()
    unread: tuple[str, ...] = ()  #: columns that say nothing here
    #: The rows by camera, and hours of duty by crew: asked for each position that comes in.
    _worn: Mapping[str, Sequence[Line]] = field(init=False, repr=False, compare=False)
    _hours: Mapping[str, Sequence[Line]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        worn: dict[str, list[Line]] = {}
        hours: dict[str, list[Line]] = {}
        for each in self.lines:  # people type names as they like
            kept, name = (worn, each.device) if each.device else (hours, each.crew)
            kept.setdefault(name.casefold(), []).append(each)
        object.__setattr__(self, "_worn", worn)
        object.__setattr__(self, "_hours", hours)

    def wearer(self, device: DeviceId, at: datetime) -> Wearer | None:
        """Say who wears a device at that moment; None: the table does not say.

        Of two rows that contradict each other the later to begin counts: it is the change.
        """
        held = [each for each in _of(self._worn, device) if each.holds(at)]
        return max(held, key=lambda each: (each.start, each.row)).wearer if held else None

    def on_duty(self, crew: CrewId, at: datetime) -> bool | None:
        """Say whether a crew is on duty; None: the table says nothing of its hours."""
        hours = _of(self._hours, crew)
        return any(each.holds(at) for each in hours) if hours else None

    def on_duty_since(self, crew: CrewId, at: datetime) -> datetime | None:
        """Say when the hours that hold then began; None: off duty, or nobody says."""
        return max((each.start for each in _of(self._hours, crew) if each.holds(at)), default=None)


def _of(lines: Mapping[str, Sequence[Line]], name: str) -> Sequence[Line]:
    """Give the rows of a camera or a crew, named whole or without its source."""
    whole = name.casefold()
    local = whole.partition(":")[2]
    found, others = lines.get(whole, ()), lines.get(local, ()) if local else ()
    return [*found, *others] if found and others else found or others


def differs(said: Officer, ours: Wearer) -> Message | None:
    """Say where the maker and the roster name two people; None: they agree, or one is silent.

    Call signs alone are written: everybody reads this, and not everybody may know names (R241-12).
    """
    signs = {"theirs": said.call_sign, "ours": ours.call_sign}
    if _two(said.call_sign, ours.call_sign):
        return Message(
            text="the camera says {theirs}, the roster {ours}: check who wears it", params=signs
        )
    if _two(said.id, ours.id) or _two(said.name, ours.name):
        return Message(text="the camera and the roster name two people: check who wears it")
    return None


def _two(one: str, other: str) -> bool:
    return bool(one and other) and bare(one) != bare(other)


# --- reading ---


def read_roster(body: bytes, zone: ZoneInfo) -> Roster:
    """Read a table; rows with a fault are left out and named.

    Raises
    ------
    UnreadableRosterError
        It is no table, or has no column for cameras nor for crews.
    """
    table = read_table(body)
    lines: list[Line] = []
    faults = list(_undated(table))
    for number, said in table.rows:
        if any(said.values()):
            line = _line(number, said, zone, faults)
            lines += [line] if line else []
    faults += _contradictions(lines)
    return Roster(tuple(lines), tuple(faults), table.unread)


def _undated(table: Table) -> Iterator[Message]:
    """Say that no row has a beginning, where a heading that is not known may well say it.

    Without it a row is true for ever: what one wore last year, he would wear today.
    """
    if "start" not in table.columns and table.unread:
        yield Message(
            text="no column says from when a row is true; not read: {columns}",
            params={"columns": ", ".join(table.unread)},
        )


def _line(
    number: int, said: Mapping[str, str], zone: ZoneInfo, faults: list[Message]
) -> Line | None:
    device, crew = said.get("device", ""), said.get("crew", "")
    if not device and not crew:
        faults.append(_fault(number, Message(text="write a camera, or a crew")))
        return None
    try:
        start = _moment(said.get("start", ""), zone, _EVER, last=False)
        end = _moment(said.get("end", ""), zone, _FURTHER, last=True)
    except ValueError as error:
        remedy = Message(
            text="{value}: write a date as 25/11/2026 06:00", params={"value": str(error)}
        )
        faults.append(_fault(number, remedy))
        return None
    if start >= end:
        faults.append(_fault(number, Message(text="it ends before it begins")))
        return None
    wearer = Wearer(
        call_sign=said.get("call_sign", ""), name=said.get("name", ""), id=said.get("id", ""),
        crew=_crew(crew),
    )  # fmt: skip
    return Line(row=number, start=start, end=end, device=device, crew=crew, wearer=wearer)


def _crew(written: str) -> str:
    """Name a crew whole: without its source it is one of the adapter `crews`."""
    return written if not written or ":" in written else f"crews:{written}"


def _moment(written: str, zone: ZoneInfo, absent: datetime, *, last: bool) -> datetime:
    """Read a moment of the town's time; a day alone begins at midnight, and ends with itself.

    Raises
    ------
    ValueError
        It is none; the error says what was written.
    """
    if not written:
        return absent
    date, _, clock = written.replace("T", " ").partition(" ")
    if clock in _MIDNIGHT:
        return _moment(date, zone, absent, last=True)
    for pattern in _MOMENTS:
        try:
            moment = datetime.strptime(written, pattern).replace(tzinfo=zone)
        except ValueError:
            continue
        return _bound(moment.year) or moment.astimezone(UTC)
    for pattern in _DAYS:
        try:
            day = datetime.strptime(written, pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
        return _bound(day.year) or datetime.combine(
            day + timedelta(days=last), time(), tzinfo=zone
        ).astimezone(UTC)
    raise ValueError(written[:40])


def _bound(year: int) -> datetime | None:
    """Read 31/12/9999 as payrolls mean it, "no end", and its like at the other end of time."""
    return {MINYEAR: _EVER, MAXYEAR: _FURTHER}.get(year)


def _contradictions(lines: Iterable[Line]) -> Iterator[Message]:
    """Name the rows that give one camera to two people, or one person two cameras, at once."""
    worn = sorted((each for each in lines if each.device), key=lambda each: each.start)
    for one, other in _at_once(worn, lambda line: line.device.casefold()):
        if one.wearer != other.wearer:
            params = {"first": one.row, "second": other.row}
            yield Message(
                text="rows {first} and {second}: one camera on two people at once", params=params
            )
    for one, other in _at_once(worn, lambda line: line.wearer.call_sign or line.wearer.name):
        if one.device.casefold() != other.device.casefold():
            params = {"first": one.row, "second": other.row}
            yield Message(
                text="rows {first} and {second}: one person with two cameras at once", params=params
            )


def _at_once(lines: Iterable[Line], name: Callable[[Line], str]) -> Iterator[tuple[Line, Line]]:
    """Pair each row with the one of the same name that it overlaps, the earliest to begin first."""
    latest: dict[str, Line] = {}
    for each in lines:
        key = name(each)
        before = latest.get(key)
        if key and before is not None and each.start < before.end:
            yield before, each
        if key and (before is None or each.end > before.end):
            latest[key] = each


def _fault(number: int, remedy: Message) -> Message:
    return Message(text="row {row}: {remedy}", params={"row": number, "remedy": remedy})
