"""The town's files in force: read, watched, read again when they change.

A file that has become unusable takes nothing away: what was read before stays in force, and that is
said. QGIS writes a GeoPackage through a journal beside it, which counts as the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from dispatch_gis import territory_file
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import Fault, UnreadableLayerError, read_cameras
from dispatch_gis.osm import read_town
from dispatch_gis.town import Town
from hooks import Camera, CameraId, Message
from vms_plugin.settings import Settings

#: A layer of which more than that was dropped has been spoilt, not edited.
SPOILT = 0.5

log = structlog.get_logger(__name__)


_Territory = tuple[Town, Mapping[CameraId, Coverage]]


@dataclass(frozen=True, slots=True)
class Files:
    """What the town's files say, and what is wrong in them."""

    town: Town | None = None
    cameras: tuple[Camera, ...] = ()
    known: Mapping[CameraId, Coverage] = field(default_factory=dict)
    notes: tuple[Message, ...] = ()


@dataclass(slots=True)
class _Source:
    """One file, as it was last read, and what was wrong with it."""

    path: Path
    read: Callable[[Path], tuple[Any, list[Message]]]
    stamp: object = None
    content: Any = None
    notes: list[Message] = field(default_factory=list)

    def refresh(self) -> bool:
        """Read it again if it has changed; say whether it had."""
        stamp = _stamp(self.path)
        if stamp == self.stamp:
            return False
        self.stamp = stamp
        try:
            self.content, self.notes = self.read(self.path)
        except Exception as error:  # noqa: BLE001  (any file may be given to us)
            self.notes = [territory_file.unreadable(self.path.name, error)]
            if self.content is not None:
                stays = Message(
                    text="{file}: what was read before stays in force",
                    params={"file": self.path.name},
                )
                self.notes.append(stays)
            log.warning("layer unusable", file=self.path.name, cause=str(error)[:200])
        return True


class LayerFiles:
    """The files that the settings name. Used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._sources: dict[str, _Source] = {}
        if settings.layers is not None:
            self._sources["layers"] = _Source(settings.layers, self._territory)
        if settings.osm is not None:
            self._sources["osm"] = _Source(settings.osm, self._osm)
        if settings.cameras is not None:
            self._sources["cameras"] = _Source(settings.cameras, self._cameras)

    def refresh(self) -> Files | None:
        """Read what has changed since the last time; None: nothing has."""
        changed = [source.refresh() for source in self._sources.values()]
        return self._together() if any(changed) else None

    def _together(self) -> Files:
        notes = tuple(note for source in self._sources.values() for note in source.notes)
        content = {name: source.content for name, source in self._sources.items()}
        drawn: Town | None = content.get("osm")
        town, known = content.get("layers") or (None, {})
        if town is None:
            town = drawn
        elif drawn is not None and not town.streets:
            # The territory file may leave streets and buildings to OpenStreetMap.
            town = replace(
                drawn, cameras=town.cameras, closures=town.closures, masks=town.masks,
                communes=town.communes, corrections=town.corrections,
            )  # fmt: skip
        cameras = content.get("cameras")
        if cameras is None:
            cameras = town.cameras if town is not None else ()
        return Files(town, tuple(cameras), known, notes)

    def _osm(self, path: Path) -> tuple[Town, list[Message]]:
        return read_town(path), []

    def _cameras(self, path: Path) -> tuple[tuple[Camera, ...], list[Message]]:
        layer = read_cameras(path)
        before = self._sources["cameras"].content or ()
        _refuse_spoilt(layer.cameras, before, layer.faults)
        return layer.cameras, [fault.message for fault in layer.faults]

    def _territory(
        self, path: Path
    ) -> tuple[tuple[Town, Mapping[CameraId, Coverage]], list[Message]]:
        source = territory_file.FileSource(path)
        town, faults = territory_file.read_town(source)
        before = self._sources["layers"].content
        _refuse_spoilt(
            town.cameras,
            before[0].cameras if before else (),
            [fault for fault in faults if fault.layer == "cameras"],
        )
        known = territory_file.read_coverages(source)
        return (town, known), [fault.message for fault in faults]


def _refuse_spoilt(cameras: tuple[Camera, ...], before: tuple[Camera, ...], faults: Any) -> None:
    """Refuse a layer that has lost its cameras: somebody slipped, the room does not go blind."""
    dropped = sum(fault.dropped for fault in faults if isinstance(fault, Fault))
    if before and dropped > SPOILT * (len(cameras) + dropped):
        raise UnreadableLayerError(f"{dropped} cameras of {len(cameras) + dropped} are unusable")
    if before and not cameras:
        raise UnreadableLayerError("there is no camera left in it")


def _stamp(path: Path) -> object:
    """Say what changes when a file does, its SQLite journal included."""
    stamps = []
    for each in (path, path.with_name(path.name + "-wal")):
        try:
            status = each.stat()
            # An emptied journal is as good as none: opening the file to read leaves one behind.
            stamps.append((status.st_mtime_ns, status.st_size) if status.st_size else None)
        except OSError:
            stamps.append(None)
    return tuple(stamps) if any(stamps) else "gone"
