"""Positions and statuses of crews: GeoJSON or one plain object in, facts out. Pure.

The good features of a collection are told first, then the first fault: one bad feature loses
nothing but itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hooks import CrewFix, CrewId, CrewStatus, Envelope, FactId, Malformed, Means, Position

#: A fix may be that far ahead of our clock; beyond, its time is not believed.
AHEAD = timedelta(seconds=60)

#: The words French systems use, beside the contract's own.
STATUSES = {
    "disponible": CrewStatus.FREE, "libre": CrewStatus.FREE, "engagé": CrewStatus.ENGAGED,
    "engage": CrewStatus.ENGAGED, "en route": CrewStatus.EN_ROUTE,
    "sur place": CrewStatus.ON_SCENE, "indisponible": CrewStatus.UNAVAILABLE,
    "pause": CrewStatus.BREAK, "fin de service": CrewStatus.OFF_DUTY,
    **{status.value: status for status in CrewStatus},
}  # fmt: skip
MEANS = {
    "voiture": Means.CAR, "vl": Means.CAR, "moto": Means.MOTORBIKE, "vélo": Means.BIKE,
    "velo": Means.BIKE, "vtt": Means.BIKE, "à pied": Means.FOOT, "a pied": Means.FOOT,
    "pied": Means.FOOT, "pédestre": Means.FOOT, **{means.value: means for means in Means},
}  # fmt: skip


def decode_crews(envelope: Envelope) -> Iterator[CrewFix]:
    """Read a Feature, a FeatureCollection, or an object `{id, lon, lat, …}`."""
    message = _parse(envelope.body)
    kind = message.get("type")
    if kind == "FeatureCollection":
        features = message.get("features")
        if not isinstance(features, list):
            raise Malformed("features", features, "a list of features")
        yield from _collection(features, envelope.received_at)
    elif kind == "Feature":
        yield _feature(message, "", envelope.received_at)
    elif "type" in message and "id" not in message:
        raise Malformed("type", kind, "write Feature, FeatureCollection, or an object with an id")
    else:
        yield _crew(message, message, "", envelope.received_at)


def _collection(features: list[Any], received_at: datetime) -> Iterator[CrewFix]:
    fault: Malformed | None = None
    for index, feature in enumerate(features):
        try:
            yield _feature(feature, f"features[{index}].", received_at)
        except Malformed as error:
            fault = fault or error
    if fault:
        raise fault


def _feature(feature: object, where: str, received_at: datetime) -> CrewFix:
    if not isinstance(feature, Mapping):
        raise Malformed(where.rstrip(".") or "message", feature, "a GeoJSON feature")
    properties = feature.get("properties")
    if not isinstance(properties, Mapping):
        raise Malformed(f"{where}properties", properties, "an object with at least an id")
    geometry = feature.get("geometry")
    place: Mapping[str, Any] = {}
    if geometry is not None:
        if not isinstance(geometry, Mapping) or geometry.get("type") != "Point":
            raise Malformed(f"{where}geometry", geometry, "a Point, or null: status only")
        coordinates = geometry.get("coordinates")
        if not isinstance(coordinates, list) or len(coordinates) < 2:
            raise Malformed(f"{where}geometry.coordinates", coordinates, "write [lon, lat]")
        place = {"lon": coordinates[0], "lat": coordinates[1]}
    identified = {"id": feature.get("id"), **properties}
    return _crew(identified, place, where, received_at)


def _crew(
    said: Mapping[str, Any], place: Mapping[str, Any], where: str, received_at: datetime
) -> CrewFix:
    crew = said.get("id")
    if isinstance(crew, bool) or not isinstance(crew, str | int) or not 0 < len(str(crew)) <= 100:
        raise Malformed(f"{where}id", crew, "write the crew's identifier, at most 100 characters")
    fixed_at = _time(said.get("fixed_at"), f"{where}fixed_at")
    if fixed_at is not None and fixed_at > received_at + AHEAD:
        fixed_at = received_at  # a clock ahead is not a fix of tomorrow
    at = fixed_at or received_at
    position = _position(place, said, where, at)
    told = json.dumps([said, place], sort_keys=True, default=str)
    mark = hashlib.sha256(told.encode()).hexdigest()[:16]
    return CrewFix(
        id=FactId(f"crews:{crew}:{at.isoformat()}:{mark}"),
        at=at,
        crew=CrewId(f"crews:{crew}"),
        name=_text(said, "name", where),
        position=position,
        status=_word(said, "status", STATUSES, where),
        means=_word(said, "means", MEANS, where),
        members=_members(said.get("members"), where),
    )


def _position(
    place: Mapping[str, Any], said: Mapping[str, Any], where: str, at: datetime
) -> Position | None:
    lon, lat = place.get("lon"), place.get("lat")
    if lon is None and lat is None:
        return None
    accuracy = said.get("accuracy_m")
    try:
        return Position(
            lon=_number(lon), lat=_number(lat),
            accuracy_m=None if accuracy is None else _number(accuracy),
            fixed_at=at, source="crew",
        )  # fmt: skip
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed(
            f"{where}lon, lat, accuracy_m", [lon, lat, accuracy],
            "write degrees WGS 84 and metres: {cause}", cause=str(error),
        ) from error  # fmt: skip


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _time(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise Malformed(where, value, "write ISO 8601, as 2026-11-23T02:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(said: Mapping[str, Any], field: str, where: str) -> str | None:
    value = said.get(field)
    if value is None or (isinstance(value, str) and len(value) <= 200):
        return value
    raise Malformed(f"{where}{field}", value, "write a text of at most 200 characters")


def _word(said: Mapping[str, Any], field: str, words: Mapping[str, Any], where: str) -> Any:
    value = said.get(field)
    if value is None:
        return None
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise Malformed(f"{where}{field}", value, "write one of: {known}", known=", ".join(words))


def _members(value: object, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value[:20])
    raise Malformed(f"{where}members", value, "write a list of call signs")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed(
            "message", body[:80], "write JSON in UTF-8: {cause}", cause=str(error)
        ) from error
    if not isinstance(value, dict):
        raise Malformed("message", value, "write a JSON object")
    return value
