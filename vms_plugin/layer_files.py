"""The town's layers in force: read, watched, read again when they change.

A source that has become unusable takes nothing away: what was read before stays in force, and that
is said. QGIS writes a GeoPackage through a journal beside it, which counts as the file. A database
is copied beside our own: a host that starts while it is away has the town all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from dispatch_gis import territory_file
from dispatch_gis.coverage import Coverage
from dispatch_gis.layers import Fault, UnreadableLayerError, read_cameras
from dispatch_gis.osm import read_town
from dispatch_gis.territory_write import write_town
from dispatch_gis.town import Town
from hooks import Camera, CameraId, Message
from hooks.causes import whole
from vms_plugin.settings import Settings

#: A layer of which more than that was dropped has been spoilt, not edited.
SPOILT = 0.5
#: Where the last territory read from a database is kept, beside our own database.
COPY = "territoire-copie.gpkg"

log = structlog.get_logger(__name__)


_Territory = tuple[Town, Mapping[CameraId, Coverage]]


@dataclass(frozen=True, slots=True)
class Files:
    """What the town's layers say, and what is wrong in them."""

    town: Town | None = None
    cameras: tuple[Camera, ...] = ()
    known: Mapping[CameraId, Coverage] = field(default_factory=dict)
    notes: tuple[Message, ...] = ()


@dataclass(slots=True)
class _Source:
    """One source, as it was last read, and what was wrong with it."""

    name: str
    read: Callable[[], tuple[Any, list[Message]]]
    stamped: Callable[[], object]  #: what changes when it does
    spare: Callable[[], tuple[Any, Message]] | None = None  #: what serves when it never answered
    close: Callable[[], None] = lambda: None
    stamp: object = None
    content: Any = None
    notes: list[Message] = field(default_factory=list)

    def refresh(self) -> bool:
        """Read it again if it has changed; say whether it had."""
        try:
            stamp = self.stamped()
        except Exception as error:  # noqa: BLE001  (a server may fail in any way)
            stamp = (type(error), str(error))
            if stamp != self.stamp:
                self._unusable(error)
        else:
            if stamp != self.stamp:
                self._read()
        changed, self.stamp = stamp != self.stamp, stamp
        return changed

    def _read(self) -> None:
        try:
            self.content, self.notes = self.read()
        except Exception as error:  # noqa: BLE001  (any file may be given to us)
            self._unusable(error)

    def _unusable(self, error: Exception) -> None:
        unusable = territory_file.unreadable(self.name, error)
        log.warning("layer unusable", file=self.name, cause=str(whole(unusable)))
        self.notes = [unusable]
        if self.content is None and self.spare is not None:
            self.content, note = self.spare()
            self.notes.append(note)
        elif self.content is not None:
            stays = Message(
                text="{file}: what was read before stays in force", params={"file": self.name}
            )
            self.notes.append(stays)


class LayerFiles:
    """The sources that the settings name. Used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._sources: dict[str, _Source] = {}
        self._copy = settings.database.with_name(COPY)
        self._uncopied = False
        self._zone = settings.timezone
        if settings.postgis is not None:
            self._sources["layers"] = self._database(settings)
        elif settings.layers is not None:
            self._add("layers", settings.layers, self._territory)
        if settings.osm is not None:
            self._add("osm", settings.osm, self._osm)
        if settings.cameras is not None:
            self._add("cameras", settings.cameras, self._cameras)

    def _add(
        self, name: str, path: Path, read: Callable[[Path], tuple[Any, list[Message]]]
    ) -> None:
        self._sources[name] = _Source(path.name, lambda: read(path), lambda: _stamp(path))

    def refresh(self) -> Files | None:
        """Read what has changed since the last time; None: nothing has."""
        changed = [source.refresh() for source in self._sources.values()]
        if any(changed):
            return self._together()
        # In a quiet moment, when what was read is in force.
        self._keep_copy()
        return None

    def close(self) -> None:
        """Leave the servers."""
        for source in self._sources.values():
            source.close()

    def _together(self) -> Files:
        notes = tuple(note for source in self._sources.values() for note in source.notes)
        content = {name: source.content for name, source in self._sources.items()}
        drawn: Town | None = content.get("osm")
        town, known = content.get("layers") or (None, {})
        if town is None:
            town = drawn
        elif drawn is not None and not town.streets:
            # The territory may leave streets and buildings to OpenStreetMap.
            surveyed = {
                name: getattr(drawn, name)
                for name in ("streets", "turns", "buildings", "heights", "water", "green")
            }
            town = replace(town, **surveyed)
        cameras = content.get("cameras")
        if cameras is None:
            cameras = town.cameras if town is not None else ()
        return Files(town, tuple(cameras), known, notes)

    # --- files ---

    def _osm(self, path: Path) -> tuple[Town, list[Message]]:
        return read_town(path), []

    def _cameras(self, path: Path) -> tuple[tuple[Camera, ...], list[Message]]:
        layer = read_cameras(path)
        before = self._sources["cameras"].content or ()
        _refuse_spoilt(layer.cameras, before, layer.faults)
        return layer.cameras, [fault.message for fault in layer.faults]

    def _territory(self, path: Path) -> tuple[_Territory, list[Message]]:
        return self._taken(territory_file.FileSource(path))

    def _taken(self, source: territory_file.Source) -> tuple[_Territory, list[Message]]:
        town, faults = territory_file.read_town(source, self._zone)
        before = self._sources["layers"].content
        _refuse_spoilt(
            town.cameras,
            before[0].cameras if before else (),
            [fault for fault in faults if fault.layer == "cameras"],
        )
        known = territory_file.read_coverages(source)
        return (town, known), [fault.message for fault in faults]

    # --- a database ---

    def _database(self, settings: Settings) -> _Source:
        from dispatch_gis.postgis import Database  # noqa: PLC0415  (an extra: psycopg)

        database = Database(
            settings.postgis or "",
            password=settings.postgis_password,
            schema=settings.postgis_schema,
        )

        def read() -> tuple[_Territory, list[Message]]:
            with database.snapshot() as source:
                found = self._taken(source)
            self._uncopied = True
            return found

        def stamped() -> Hashable:
            return tuple(sorted(database.stamp().items()))

        spare = self._spare if self._copy.is_file() else None
        return _Source(database.name, read, stamped, spare, database.close)

    def _spare(self) -> tuple[_Territory | None, Message]:
        """Read the copy; one that cannot be read is none."""
        when = datetime.fromtimestamp(self._copy.stat().st_mtime, self._zone)
        try:
            source = territory_file.FileSource(self._copy)
            town, _ = territory_file.read_town(source, self._zone)
            found = town, territory_file.read_coverages(source)
        except UnreadableLayerError as error:
            return None, territory_file.unreadable(self._copy.name, error)
        told = {"when": f"{when:%d/%m/%Y %H:%M}"}
        return found, Message(text="the copy of {when} is in force", params=told)

    def _keep_copy(self) -> None:
        if not self._uncopied:
            return
        self._uncopied = False
        town, known = self._sources["layers"].content
        try:
            write_town(town, self._copy, coverages=list(known.values()))
        except Exception as error:  # noqa: BLE001  (a full disk must not stop the watch)
            log.warning("copy of the territory not written", cause=str(error)[:200])


def _refuse_spoilt(cameras: tuple[Camera, ...], before: tuple[Camera, ...], faults: Any) -> None:
    """Refuse a layer that has lost its cameras: somebody slipped, the room does not go blind."""
    dropped = sum(fault.dropped for fault in faults if isinstance(fault, Fault))
    if before and dropped > SPOILT * (len(cameras) + dropped):
        raise UnreadableLayerError(
            "{dropped} cameras of {count} are unusable",
            dropped=dropped,
            count=len(cameras) + dropped,
        )
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
