r"""What comes in says itself what it is: its first characters tell who reads it.

| it begins with | it is | read by |
|---|---|---|
| `{` | GeoJSON, a plain object, an SDS in JSON | `quick`, `geojson`, `lip` |
| RS (0x1E) | a sequence of GeoJSON texts (RFC 8142) | the same, text by text |
| `$`, `!`, `\` | NMEA 0183, a TAG block before it or not | `nmea` |
| `+`, `OK`, `ERROR` | a TETRA radio's interface; an SDS (`+CTSDSR`) in it | `lip` |
| `<`, 0xBF | Cursor on Target | `cot` |
"""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters.crews import quick
from adapters.crews.cot import ALERT, MAGIC, Event, read_events
from adapters.crews.distress import Distress
from adapters.crews.geojson import AHEAD, RETAINED, read_geojson
from adapters.crews.lip import EMERGENCY, INTERFACE, Report, read_report, read_sds_lines
from adapters.crews.nmea import read_sentences
from adapters.crews.values import LONGEST_NAME, text
from hooks import CrewFix, CrewId, Envelope, Fact, FactId, Malformed, Means, Position
from hooks.reading import LARGEST, Faults, printable, read_object, tell

#: Record separator of a sequence of JSON texts (RFC 8142).
RS = b"\x1e"


class Decoder:
    """Reads every format. Knows the crews' names; remembers who is calling for help.

    `names` gives the town's own name of a radio, a tracker or a client. `fresh_s` says, by inlet,
    how long a position stands for now; `stale_after_s` where it does not.
    """

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        stale_after_s: float | None = None,
        fresh_s: Mapping[str, float] | None = None,
    ) -> None:
        self._names = dict(names or {})
        self._stale_after_s = stale_after_s
        self._fresh_s = dict(fresh_s or {})
        self._distress = Distress()

    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        """Read a message: what is right is told first, then every fault by its place."""
        faults: Faults = []
        if envelope.body[:1] == RS:
            for number, one in enumerate(_texts(envelope)):
                yield from self._read(one, f"texts[{number}].", faults)
        else:
            yield from self._read(envelope, "", faults)
        tell(faults)

    def _read(self, envelope: Envelope, where: str, faults: Faults) -> Iterator[Fact]:
        """Read one text; a fault in it loses nothing of the others."""
        if len(envelope.body) > LARGEST:  # a broker passes on whatever it is given
            faults.append(
                Malformed(where + "message", envelope.body[:80], "write at most {most} bytes",
                          most=LARGEST)
            )  # fmt: skip
            return
        fix = quick.read(envelope, envelope.received_at + AHEAD)
        if fix is not None:
            yield self._named(fix, envelope)
            return
        body = envelope.body.removeprefix(BOM_UTF8).lstrip()
        here: Faults = []
        try:
            if body[:1] in (b"$", b"!", b"\\"):
                yield from self._nmea(envelope, here)
            elif body.startswith(INTERFACE):
                for caller, data in read_sds_lines(body):
                    yield from self._sds(caller, data, envelope)
            elif body[:1] in (b"<", MAGIC):
                for event in read_events(body):
                    here += [event.fault] if event.fault else []
                    place = event.position and _believed(event.position, envelope, here)
                    yield from self._event(replace(event, position=place), envelope)
            else:
                yield from self._json(envelope, here)
        except Malformed as fault:
            here.append(fault)
        for each in here:
            each.field = where + each.field
        faults += here

    # --- JSON ---

    def _json(self, envelope: Envelope, faults: Faults) -> Iterator[Fact]:
        message = read_object(envelope.body, faults)
        if "issi" not in message:
            for fix in read_geojson(message, envelope, faults):
                yield self._named(fix, envelope)
            return
        issi = message["issi"]
        if not isinstance(issi, str | int) or isinstance(issi, bool):
            raise Malformed("issi", issi, "write the radio's number")
        yield from self._sds(str(issi), text(message, "sds", "", faults) or "", envelope)

    def _named(self, fix: CrewFix, envelope: Envelope) -> CrewFix:
        """Call a crew by the town's name for it, where the sender's is another."""
        local = fix.crew.partition(":")[2]
        name = self._names.get(local, local)
        stale_s = self._stale_s(envelope)
        if name == local and stale_s is None:
            return fix
        mark = fix.id.rpartition(":")[2]
        return replace(
            fix,
            id=FactId(f"crews:{name}:{mark}"),
            crew=CrewId(f"crews:{name}"),
            stale_after_s=stale_s,
        )

    def _stale_s(self, envelope: Envelope) -> float | None:
        return self._fresh_s.get(envelope.channel, self._stale_after_s)

    # --- radios and trackers ---

    def _nmea(self, envelope: Envelope, faults: Faults) -> Iterator[Fact]:
        for heard in read_sentences(envelope.body, envelope.received_at, faults):
            place = _believed(heard.position, envelope, faults)
            yield self._seen(heard.source or envelope.sender, place, envelope)

    def _sds(self, caller: str, data: str, envelope: Envelope) -> Iterator[Fact]:
        report = read_report(data, envelope.received_at)
        if report is None:
            return
        place = report.position
        # A place whose age nobody knows is no crew's: it would be taken for where they are now.
        if place is not None and place.fixed_at is not None:
            yield self._seen(caller, place, envelope)
        yield from self._called(caller, report, envelope)

    def _called(self, caller: str, report: Report, envelope: Envelope) -> Iterator[Fact]:
        who, at = self._local(caller), envelope.received_at
        if report.reason == EMERGENCY:
            yield from self._distress.call(who, self._sign(caller), at, report.position)
        else:
            yield from self._distress.follow(who, at, report.position)

    def _event(self, event: Event, envelope: Envelope) -> Iterator[Fact]:
        who, at = self._local(event.uid), envelope.received_at
        if event.cancelled:
            yield from self._distress.cancel(who, at)
        elif event.distress:
            sign = printable(event.call_sign).removesuffix(ALERT) or self._sign(event.uid)
            yield from self._distress.call(who, sign, at, event.position)
        else:
            yield self._seen(event.uid, event.position, envelope, event.call_sign, event.means)
            yield from self._distress.follow(who, at, event.position)

    def _seen(
        self,
        sender: str,
        place: Position | None,
        envelope: Envelope,
        call_sign: str = "",
        means: Means | None = None,
    ) -> CrewFix:
        crew = self._local(sender)
        mark = hashlib.blake2b(
            f"{place} {call_sign} {means}".encode(), digest_size=8
        ).hexdigest()  # fmt: skip
        return CrewFix(
            id=FactId(f"crews:{crew}:{mark}"),
            at=envelope.received_at,
            crew=CrewId(f"crews:{crew}"),
            name=printable(call_sign)[:LONGEST_NAME] or None,
            position=place,
            means=means,
            stale_after_s=self._stale_s(envelope),
        )

    def _local(self, sender: str) -> str:
        """Give the crew's identifier: the town's name for the radio, else the radio's own."""
        name = self._names.get(sender, printable(sender)[:LONGEST_NAME])
        if not name:
            raise Malformed("sender", sender, "say who it is, in [adapters.crews.names]")
        return name

    def _sign(self, sender: str) -> str:
        """Give what people call him: the town's name for the radio, or nothing."""
        return self._names.get(sender, "")


def _believed(place: Position, envelope: Envelope, faults: Faults) -> Position:
    """Hold a place of the future to now, and say so."""
    at = place.fixed_at
    if at is None or at <= envelope.received_at + AHEAD:
        return place
    faults.append(Malformed("time", at.isoformat(), "set the clock: that is yet to come"))
    return replace(place, fixed_at=envelope.received_at)


def _texts(envelope: Envelope) -> Iterator[Envelope]:
    """Take a sequence apart, each text in an envelope as it would have come alone."""
    for each in envelope.body.split(RS):
        if each.strip():
            yield Envelope(
                adapter=envelope.adapter,
                body=each,
                received_at=envelope.received_at,
                channel=envelope.channel,
                sender=envelope.sender,
            )


__all__ = ["RETAINED", "RS", "Decoder"]
