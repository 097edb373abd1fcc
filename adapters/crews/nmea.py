"""NMEA 0183 sentences of vehicle trackers and marine radios. Pure; sentences are read by pynmea2.

A sentence does not say whose it is: the `s:` of a TAG block (NMEA 0183 v4) does, else the address
it came from. GGA, GNS and GLL have no date: the day is the one that puts them nearest to now.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pynmea2

from hooks import Malformed, Position
from hooks.reading import Faults

#: Ranging error of a plain receiver under open sky: HDOP times that is about one sigma.
RANGE_ERROR_M = 5.0
#: A receiver whose week counter rolled over is 19.6 years late: its hour is right, not its date.
_ROLLED_OVER = timedelta(days=2)
#: No place: mode or quality "not valid", simulated, or typed in by hand.
_NO_FIX = {"N", "S", "M", "0", "7", "8"}
_TAG = re.compile(r"^\\(?P<tags>[^\\]*)\*(?P<sum>[0-9A-Fa-f]{2})\\(?P<rest>.*)$")
#: What a sentence begins with: who talks, and what it is. Any talker: GN, GL, GA, II…
_ADDRESS = re.compile(r"[$!](?P<talker>[A-Z0-9]*?)(?P<kind>[A-Z0-9]{3})[,*]")
_READ = ("RMC", "GGA", "GNS", "GLL")


@dataclass(frozen=True, slots=True)
class Heard:
    """A place, and by which name its sender goes; empty: whoever sent the message."""

    source: str
    position: Position


def read_sentences(body: bytes, received_at: datetime, faults: Faults) -> Iterator[Heard]:
    """Read lines: one place for each sender and moment, however many sentences tell of it.

    Sentences of other kinds, and those of a receiver without a fix, tell nothing.
    """
    found: dict[tuple[str, datetime], Position] = {}
    groups: dict[str, str] = {}
    for number, line in enumerate(body.decode("ascii", "replace").splitlines(), start=1):
        text = line.strip()
        if not text:
            continue
        try:
            source, sentence = _sentence(text, groups)
            position = _position(sentence, received_at, f"line {number}", faults)
        except Malformed as fault:
            faults.append(Malformed(f"line {number}", _shown(text), fault.text, **fault.params))
            continue
        if position is not None and position.fixed_at is not None:
            key = source, position.fixed_at
            known = found.get(key)
            # RMC has the date and GGA the dilution: of the same moment, the surer one stands.
            if known is None or known.accuracy_m is None:
                found[key] = position
    for (source, _), position in found.items():
        yield Heard(source, position)


def _shown(text: str) -> str:
    """Show a sentence by its two ends: where somebody is has no place in a log."""
    return text if len(text) <= 20 else f"{text[:12]}…{text[-4:]}"


def _sentence(text: str, groups: dict[str, str]) -> tuple[str, Any]:
    """Take the TAG block off, then let pynmea2 read the sentence and its checksum.

    Of sentences grouped by `g:<which>-<of how many>-<group>` the first alone need say its source:
    `groups` remembers it.
    """
    source = ""
    tagged = _TAG.match(text)
    if tagged:
        if _checksum(tagged["tags"]) != int(tagged["sum"], 16):
            raise Malformed("tag", "", "the checksum of the TAG block does not fit: send it again")
        tags = dict(each.split(":", 1) for each in tagged["tags"].split(",") if ":" in each)
        group = tags.get("g", "").rpartition("-")[2]
        source, text = tags.get("s", "") or groups.get(group, ""), tagged["rest"]
        if group:
            groups[group] = source
    begins = _ADDRESS.match(text)
    if begins and (begins["kind"] not in _READ or len(begins["talker"]) != 2):
        # Satellites, depths, ships (AIS) between the places: pynmea2 knows not all, none is ours.
        return source, None
    try:
        return source, pynmea2.parse(text, check=True)
    except (pynmea2.ParseError, ValueError) as error:
        raise Malformed("sentence", "", "write an NMEA sentence with its checksum") from error


def _checksum(text: str) -> int:
    value = 0
    for each in text.encode("ascii", "replace"):
        value ^= each
    return value


def _position(sentence: Any, received_at: datetime, where: str, faults: Faults) -> Position | None:
    kind = getattr(sentence, "sentence_type", "")
    if kind not in _READ or not _valid(sentence):
        return None
    if not (sentence.lat and sentence.lon and sentence.timestamp):
        return None
    try:
        lon, lat = sentence.longitude, sentence.latitude
        dilution = float(_dilution(sentence) or "nan")
    except (ValueError, TypeError, AttributeError) as error:
        raise Malformed("sentence", "", "write a time and a place that can be read") from error
    moment = sentence.timestamp
    halves = sentence.lat_dir in ("N", "S") and sentence.lon_dir in ("E", "W")
    if not isinstance(moment, time) or not halves:
        raise Malformed("sentence", "", "write a time and a place that can be read")
    if any(int(each.partition(".")[0][-2:]) >= 60 for each in (sentence.lat, sentence.lon)):
        raise Malformed("sentence", "", "write degrees and minutes that are on earth")
    if lon == 0 and lat == 0:
        return None
    fixed_at = _moment(moment, received_at)
    if kind == "RMC":
        fixed_at = _dated(sentence, fixed_at, where, faults)
    accuracy_m = dilution * RANGE_ERROR_M if math.isfinite(dilution) and dilution > 0 else None
    try:
        return Position(
            lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=fixed_at, source="nmea"
        )  # fmt: skip
    except ValueError as error:
        raise Malformed("sentence", "", "write degrees and minutes that are on earth") from error


def _dilution(sentence: Any) -> str:
    """Give the horizontal dilution, which pynmea2 calls otherwise in GGA and in GNS."""
    return str(getattr(sentence, "horizontal_dil", "") or getattr(sentence, "hdop", "") or "")


def _valid(sentence: Any) -> bool:
    status = getattr(sentence, "status", "A")  # RMC, GLL: A or V
    mode = str(getattr(sentence, "mode_indicator", "") or getattr(sentence, "faa_mode", "") or "A")
    quality = str(getattr(sentence, "gps_qual", 1))
    # GNS: one letter a constellation; one that has a fix is enough.
    return status == "A" and not set(mode) <= _NO_FIX and quality not in _NO_FIX


def _moment(moment: time, received_at: datetime) -> datetime:
    """Give an hour without date the day that puts it nearest to now."""
    today = received_at.astimezone(UTC).date()
    clock = moment.replace(tzinfo=UTC)
    days = (datetime.combine(today + timedelta(days=each), clock) for each in (-1, 0, 1))
    return min(days, key=lambda each: abs(each - received_at))


def _dated(sentence: Any, nearest: datetime, where: str, faults: Faults) -> datetime:
    day = getattr(sentence, "datestamp", None)
    if day is None or not hasattr(day, "year"):
        return nearest
    said = datetime.combine(day, nearest.timetz())
    if abs(said - nearest) <= _ROLLED_OVER:
        return said
    faults.append(
        Malformed(f"{where}.date", day.isoformat(), "its date is wrong: update the receiver")
    )
    return nearest
