"""Turn a camera by XProtect: it knows who holds it, and with which priority.

Since 2024 R2, by REST tasks that `?tasks` names. The geography says how to point: the preset that
looks closest, or angles, which XProtect counts from -1 to 1 over the camera's own range: only a
camera whose range the settings give is turned by angles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.milestone.api import Api, Items, Value, pick_task
from adapters.milestone.decode import guid_of
from hooks import Aim, BadSettings, CameraId, Message, Pointing, Refused

#: Words of the site's refusal when somebody, or a patrol, of higher priority has the camera.
_HELD = ("held", "priority", "session", "in use", "reserved", "patrol", "locked")


@dataclass(frozen=True, slots=True)
class Range:
    """What a camera's ±1 stand for: pan and tilt at the ends, field of view at the ends of zoom."""

    pan_deg: tuple[float, float]
    tilt_deg: tuple[float, float]
    fov_deg: tuple[float, float]  #: widest, narrowest

    def units(self, pointing: Pointing) -> dict[str, float] | None:
        """Write angles in the camera's own units; None where it cannot look."""
        if pointing.pan_deg is None or pointing.tilt_deg is None:
            return None
        pan = _unit(_within(pointing.pan_deg, self.pan_deg), self.pan_deg)
        tilt = _unit(pointing.tilt_deg, self.tilt_deg)
        if pan is None or tilt is None:
            return None
        return {"pan": pan, "tilt": tilt, "zoom": self._zoom(pointing.fov_deg)}

    def _zoom(self, fov_deg: float | None) -> float:
        """Write a field of view as zoom, 0..1: evenly in magnification, as lenses' steps are."""
        wide, narrow = self.fov_deg
        wanted = min(max(fov_deg or wide, narrow), wide)
        return 0.0 if wide == narrow else math.log(wide / wanted) / math.log(wide / narrow)


def _within(angle: float, ends: tuple[float, float]) -> float:
    """Bring an angle into a range by whole turns, if that can be."""
    low, high = min(ends), max(ends)
    return next((turn for turn in (angle, angle + 360, angle - 360) if low <= turn <= high), angle)


def _unit(angle: float, ends: tuple[float, float]) -> float | None:
    first, last = ends
    unit = 2 * (angle - first) / (last - first) - 1
    return round(unit, 6) if -1 <= unit <= 1 else None


def read_range(field: str, text: str) -> Range:
    """Read « -180 180 -20 90 60 2.3 »: pan at -1 and 1, tilt at -1 and 1, field at zoom 0 and 1."""
    try:
        pan0, pan1, tilt0, tilt1, wide, narrow = (float(each) for each in text.split())
    except ValueError as error:
        raise _bad(field, text) from error
    if pan0 == pan1 or tilt0 == tilt1 or not wide >= narrow > 0:
        raise _bad(field, text)
    return Range((pan0, pan1), (tilt0, tilt1), (wide, narrow))


def _bad(field: str, text: str) -> BadSettings:
    return BadSettings(
        field, text, "write six numbers: pan at -1 and 1, tilt at -1 and 1, field of view at zoom "
        "0 and 1, in degrees, as {example}", example='"-180 180 -20 90 60 2.3"',
    )  # fmt: skip


def find_preset(presets: Sequence[Mapping[str, Any]], name: str) -> str:
    """Find a preset by name, in capitals or not; empty: there is none."""
    said = name.casefold()
    same = (each for each in presets if str(each.get("name", "")).casefold() == said)
    return str(next(same, {}).get("id", ""))


def explain(camera: CameraId, refused: Refused) -> Aim | None:
    """Say that somebody holds the camera, where that is why; None: something else is wrong."""
    why = str(refused.params.get("why", refused))
    if not any(word in why.lower() for word in _HELD):
        return None
    how = Message(
        text="XProtect does not give us the camera, somebody has it: {why}", params={"why": why}
    )
    return Aim(camera=camera, done=False, how=how)


class Turner:
    """Turns the cameras of one site."""

    def __init__(self, api: Api, ranges: Mapping[str, Range]) -> None:
        self._api, self._ranges = api, ranges

    def aim(self, camera: CameraId, pointing: Pointing | None) -> Aim | None:
        """Turn a camera as the geography says: by angles where its range is known, else preset."""
        guid = guid_of(camera)
        if guid is None:
            return None
        if pointing is None:
            return _no(camera, _UNPOINTED)
        units = self._ranges[guid].units(pointing) if guid in self._ranges else None
        try:
            if units is not None:
                return self._to_position(camera, guid, units)
            if pointing.preset:
                return self._to_preset(camera, guid, pointing.preset)
        except Refused as refused:
            held = explain(camera, refused)
            if held is None:
                raise
            return held
        return _no(camera, Message(text="no preset of this camera looks there"))

    def _to_position(self, camera: CameraId, guid: str, units: Mapping[str, float]) -> Aim:
        path = f"cameras/{guid}"
        task = pick_task(self._api.offered(path), "absolute", but=("get",))
        if not task:
            return _no(camera, _TOO_OLD)
        values: dict[str, Value] = dict(units)
        self._api.run(path, task, values)
        return Aim(camera=camera, done=True, how=Message(text="turned to the place by its angles"))

    def _to_preset(self, camera: CameraId, guid: str, name: str) -> Aim:
        path = f"cameras/{guid}/ptzPresets"
        preset = find_preset(self._api.rows(path), name)
        if not preset:
            missing = Message(text="XProtect has no preset {name} on it", params={"name": name})
            return _no(camera, missing)
        offered = self._api.offered(path)
        task = next(
            (found for word in ("activate", "goto", "move") if (found := pick_task(offered, word))),
            "",
        )
        if not task:
            return _no(camera, _TOO_OLD)
        self._api.run(path, task, {"preset": Items("ptzPresets", (preset,))})
        return Aim(
            camera=camera, done=True, how=Message(text="turned to its preset {name}",
                                                  params={"name": name})
        )  # fmt: skip


_UNPOINTED = Message(
    text="nobody knows how to point it there: calibrate it, or give its presets in the layer"
)
_TOO_OLD = Message(text="XProtect offers no task that turns it: needs 2024 R2, and the right to")


def _no(camera: CameraId, how: Message) -> Aim:
    return Aim(camera=camera, done=False, how=how)
