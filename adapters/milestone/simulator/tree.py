"""The configuration as a tree: finding, listing, and what hangs under what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from adapters.milestone.simulator import hardware, ptz, resources, stock, tasks, wall
from adapters.milestone.simulator.catalogue import event_types, state_groups
from adapters.milestone.simulator.inventory import Camera
from adapters.milestone.simulator.shelf import Item
from adapters.milestone.simulator.site import Site

Items = list[dict[str, Any]]
FORMS: tasks.Forms = {
    key: {**forms}
    for table in (tasks.FORMS, hardware.FORMS, ptz.FORMS, wall.FORMS)
    for key, forms in table.items()
}
_LICENCES = (
    "licenseInformations", "licenseInstalledProducts", "licenseOverviewAll", "licenseDetails"
)  # fmt: skip
_WALL = ("videoWalls", "monitors", "monitorPresets", "videoWallPresets")


class Tree:
    """Everything the Configuration REST shows, written when asked for."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._tables: dict[str, Callable[[], Items]] = {
            "sites": lambda: [resources.write_site(site)],
            "recordingServers": self._recorders,
            "hardware": lambda: [resources.write_hardware(each) for each in site.hardware.values()],
            "cameras": lambda: self._cameras(site.cameras.values()),
            "eventTypes": lambda: event_types(site),
            "stateGroups": state_groups,
            "tasks": lambda: tasks.write_all(site),
        }

    def items(self, kind: str) -> Items:
        """List a resource, disabled items included."""
        if kind in self._tables:
            return self._tables[kind]()
        if kind in _LICENCES:
            return stock.licences(self.site, kind)
        # Without the licence the wall is not there: an empty list (assumed).
        if kind in _WALL and not self.site.licence.smart_wall:
            return []
        return [self._shelved(each) for each in self.site.shelf.of(kind)]

    def find(self, kind: str, identifier: str) -> dict[str, Any] | None:
        """Find one item."""
        site = self.site
        camera, device = site.cameras.get(identifier), site.hardware.get(identifier)
        if kind in ("cameras", "streams", "privacyProtections"):
            write = {
                "cameras": lambda one: self._cameras([one])[0],
                "streams": hardware.streams_of,
                "privacyProtections": hardware.masks_of,
            }[kind]
            return write(camera) if camera else None
        if kind == "hardware":
            return resources.write_hardware(device) if device else None
        if kind == "hardwareDriverSettings":
            return hardware.settings_of(site, device) if device else None
        if kind in self._tables or kind in _LICENCES:
            return next((each for each in self.items(kind) if id_of(each) == identifier), None)
        if kind in _WALL and not site.licence.smart_wall:
            return None
        item = site.shelf.find(kind, identifier)
        return self._shelved(item) if item else None

    def children(self, kind: str, identifier: str, child: str) -> Items:
        """List what hangs under an item."""
        site = self.site
        cameras = site.cameras.values()
        if (kind, child) == ("cameraGroups", "cameras"):
            group = site.shelf.find(kind, identifier)
            members = set(group.fields["members"]) if group else set()
            return self._cameras(each for each in cameras if each.id in members)
        if (kind, child) == ("hardware", "cameras"):
            return self._cameras(site.cameras_of(identifier))
        if (kind, child) == ("recordingServers", "hardware"):
            return [
                resources.write_hardware(each)
                for each in site.hardware.values()
                if each.recorder == identifier
            ]
        if child in ("streams", "privacyProtections", "hardwareDriverSettings"):
            found = self.find(child, identifier)
            return [found] if found else []
        if kind == "sites":
            return self.items(child)
        return self._under(kind, identifier, child)

    def _under(self, kind: str, identifier: str, child: str) -> Items:
        if child == "hardwareDrivers" or child in _LICENCES:
            return self.items(child)
        if child in _WALL and not self.site.licence.smart_wall:
            return []
        return [self._shelved(each) for each in self.site.shelf.of(child, (kind, identifier))]

    def tasks(self, kind: str, child: str, identifier: str) -> dict[str, tasks.Form]:
        """List the tasks that an item, or a child folder of it, offers."""
        return tasks.offered(self.site, FORMS, kind, child, identifier)

    def _shelved(self, item: Item) -> dict[str, Any]:
        written = item.written()
        # Who belongs to a group is read under it, not in it; a preset's owner in its relations.
        for inner in ("members", "preset"):
            written.pop(inner, None)
        return written

    def _recorders(self) -> Items:
        ids = self.site.recorders
        return [resources.write_recorder(each, number + 1) for number, each in enumerate(ids)]

    def _cameras(self, cameras: Iterable[Camera]) -> Items:
        site = self.site
        return [
            resources.write_camera(
                each, site.release, hardware.storage_of(site.hardware[each.hardware].recorder)
            )
            for each in cameras
        ]


def id_of(item: dict[str, Any]) -> str:
    """Give the identifier of an item as it is written: some have it in their relations alone."""
    relations = item.get("relations") or {"self": {"id": ""}}  # rows of licences have none
    return str(item.get("id") or relations["self"]["id"])
