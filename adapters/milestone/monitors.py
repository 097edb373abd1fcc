"""The Smart Wall monitors of a site: which are meant, what may be done with them, their layouts.

Read while nothing presses, kept until the site refuses something, and read again then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.milestone.api import Api, Value, pick_task
from hooks import Refused

Row = Mapping[str, Any]

#: Places of the layouts every site has, by their names, for a release that gives no XML.
_GRIDS = {"1x1": 1, "1x2": 2, "2x2": 4, "2x3": 6, "3x3": 9, "4x4": 16}


def layout_for(layouts: Sequence[Row], places: int) -> str:
    """Find the smallest layout with room enough, by its places, else by its name; empty: none."""
    room = [(_places(each), str(each.get("id"))) for each in layouts if each.get("id")]
    fitting = sorted(each for each in room if each[0] >= places)
    return fitting[0][1] if fitting else ""


def _places(layout: Row) -> int:
    """Count the places of a layout: in its XML, else in a name such as « 2 x 2 »."""
    xml = next((str(v) for k, v in layout.items() if "xml" in k.lower() and v), "")
    if xml:
        return xml.count("<Position>") or xml.lower().count("<viewitem>")
    return _GRIDS.get(str(layout.get("name", "")).replace(" ", "").lower(), 0)


def state_of(monitor: Row) -> str:
    """Read what a monitor shows, whatever the release calls it; empty: it does not say."""
    for name, value in monitor.items():
        if "state" in name.lower() and isinstance(value, str) and value.lstrip().startswith("<"):
            return value
    return ""


def is_named(monitor: Row, name: str) -> bool:
    """Whether settings mean this monitor: by GUID, by name, or as « wall/monitor »."""
    said, wall = str(monitor.get("name", "")).casefold(), str(monitor.get("wall", "")).casefold()
    return name.casefold() in (str(monitor.get("id", "")).casefold(), said, f"{wall}/{said}")


class Monitors:
    """The monitors that the settings name, on one site. Used by several threads at once.

    Each memory is replaced whole: what one thread reads, another may be told to forget meanwhile.
    """

    def __init__(self, api: Api, named: Sequence[str]) -> None:
        self._api, self.named = api, tuple(named)
        self._meant: dict[str, str] = {}
        self._offered: dict[str, tuple[str, ...]] = {}
        self._layouts: list[dict[str, Any]] = []

    def forget(self) -> None:
        """Read everything again at the next need: the site refused something."""
        self._meant, self._offered, self._layouts = {}, {}, []

    def listed(self) -> list[dict[str, Any]]:
        """List the monitors of every wall, with the name of theirs."""
        found = []
        for wall in self._api.rows("videoWalls"):
            named = str(wall.get("name", ""))
            path = f"videoWalls/{wall['id']}/monitors"
            found += [{**each, "wall": named} for each in self._api.rows(path)]
        return found

    def meant(self) -> dict[str, str]:
        """Find the monitors that the settings name: name → GUID.

        Raises
        ------
        Refused
            One is not there, or the site shows us no wall at all.
        """
        meant = self._meant
        if not meant:
            listed = self.listed()
            meant = self._meant = {name: _found(listed, name) for name in self.named}
        return meant

    def state(self, monitor: str) -> str:
        """Read what a monitor shows now."""
        return state_of(self._api.one(f"monitors/{monitor}"))

    def offered(self, monitor: str) -> tuple[str, ...]:
        """List what may be done with a monitor; `Refused` where nothing may."""
        offered = self._offered.get(monitor)
        if not offered:
            offered = self._offered[monitor] = self._api.offered(f"monitors/{monitor}")
        if not offered:
            raise Refused(
                "XProtect offers no task on its monitors: no Smart Wall licence, or no right"
            )
        return offered

    def layout(self, places: int) -> str:
        """Find a layout of so many places."""
        layouts = self._layouts
        if not layouts:  # whole before another thread may look into them
            layouts = [
                each
                for group in self._api.rows("layoutGroups")
                for each in self._api.rows(f"layoutGroups/{group['id']}/layouts")
            ]
            self._layouts = layouts
        found = layout_for(layouts, places)
        if not found:
            raise Refused("XProtect has no layout of {count} places", count=places)
        return found

    def run(
        self, monitor: str, words: Sequence[str], values: Mapping[str, Value],
        but: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Run the task that these words name."""
        offered = self.offered(monitor)
        task = pick_task(offered, *words, but=but)
        if not task:
            raise Refused(
                "XProtect offers no task on its monitors for {what}; it offers {tasks}",
                what=" ".join(words), tasks=", ".join(offered),
            )  # fmt: skip
        self._api.run(f"monitors/{monitor}", task, values)


def _found(listed: Sequence[Row], name: str) -> str:
    same = (str(each["id"]).lower() for each in listed if is_named(each, name))
    monitor = next(same, "")
    if monitor:
        return monitor
    if listed:
        raise Refused("there is no monitor {name} in XProtect", name=name)
    raise Refused(
        "XProtect shows us no Smart Wall: it has none, no licence for it, or we have no right"
    )
