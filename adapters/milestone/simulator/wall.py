"""Smart Wall: monitors, what each shows, presets, and the tasks that change it.

Names of the tasks: a client generated from the maker's OpenAPI. Their fields are nowhere published:
ours follow the .NET commands of the sample VideoWallController, and the form says them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.inventory import guid
from adapters.milestone.simulator.shelf import Item
from adapters.milestone.simulator.site import Site
from adapters.milestone.simulator.tasks import Form, Forms, Refused

WALL = guid("video wall")
_PATHS = shapes.several(shapes.path("cameras"))
_LAYOUT = shapes.path("layouts")
#: Layouts every server has, as columns × rows of a square of 1000.
GRIDS = {"1 x 1": (1, 1), "1 x 2": (1, 2), "2 x 2": (2, 2), "3 x 3": (3, 3), "4 x 4": (4, 4)}


@dataclass(slots=True)
class Screen:
    """What a monitor shows: a layout, and in each of its places a camera, a text, or nothing."""

    layout: str
    cells: list[tuple[str, str]] = field(default_factory=list)

    def write(self) -> str:
        """Write it as the property `monitorState`; the form is ours, no sample shows the whole."""
        items = "".join(f"<viewitem {kind}={quoteattr(what)}/>" for kind, what in self.cells)
        return (
            f"<MonitorState><LayoutId>{escape(self.layout)}</LayoutId>"
            f"<ViewItems>{items}</ViewItems></MonitorState>"
        )

    @classmethod
    def read(cls, written: str, places: Callable[[str], int]) -> Screen:
        """Read a state written by `write`; the cells are as many as the layout has places."""
        root = _parsed(written)
        if root.tag != "MonitorState":
            raise Refused(f"Invalid monitor state: {root.tag}")
        layout = root.findtext("LayoutId", "")
        cells = [next(iter(each.attrib.items()), _NOTHING) for each in root.iter("viewitem")]
        return cls(layout, _fit(cells, places(layout)))


_NOTHING = ("empty", "")


def _parsed(xml: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(xml)  # noqa: S314 (expat ≥ 2.4.1 stops entities that swell)
    except ElementTree.ParseError as fault:
        raise Refused(f"Invalid XML: {fault}") from fault


def _fit(cells: list[tuple[str, str]], places: int) -> list[tuple[str, str]]:
    return (cells + [_NOTHING] * places)[:places]


def lay(site: Site) -> None:
    """Lay out a wall of two monitors, its layouts, and a preset that empties them."""
    group = guid("layout group")
    site.shelf.lay("layoutGroups", group, {"id": group, "name": "4:3", "description": ""})
    for name, (columns, rows) in GRIDS.items():
        layout = guid(f"layout {name}")
        fields = {
            "id": layout, "name": name, "description": "", "definitionXml": grid(columns, rows)
        }  # fmt: skip
        site.shelf.lay("layouts", layout, fields, ("layoutGroups", group))
    named = {"name": "Mur du CSU", "description": "", "statusText": True, "height": 0}
    site.shelf.lay("videoWalls", WALL, {"id": WALL, **named})
    start = Screen(guid("layout 2 x 2"), [_NOTHING] * 4).write()
    preset = guid("video wall preset")
    fields = {"id": preset, "name": "Veille", "description": ""}
    site.shelf.lay("videoWallPresets", preset, fields, ("videoWalls", WALL))
    for place in range(2):
        monitor = guid(f"monitor {place + 1}")
        screen: dict[str, Any] = {
            "id": monitor, "name": f"Écran {place + 1}", "description": "",
            "aspectRatio": "Aspect16x9", "emptyViewItems": "Preserve", "noLayout": "Preserve",
            "insertionMethod": "Independent", "locationX": place * 1000, "locationY": 0,
            "monitorSize": 46, "monitorState": start,
        }  # fmt: skip
        site.shelf.lay("monitors", monitor, screen, ("videoWalls", WALL))
        kept = guid(f"preset of monitor {place + 1}")
        fields = {"id": kept, "name": "Veille", "preset": preset, "definition": start}
        site.shelf.lay("monitorPresets", kept, fields, ("monitors", monitor))


def grid(columns: int, rows: int) -> str:
    """Write a layout of equal places, in the maker's square of 1000 by 1000."""
    width, height = 1000 // columns, 1000 // rows
    places = "".join(
        f"<ViewItem><Position><X>{x * width}</X><Y>{y * height}</Y></Position>"
        f"<Size><Width>{width}</Width><Height>{height}</Height></Size></ViewItem>"
        for y in range(rows)
        for x in range(columns)
    )
    return f"<ViewLayout><ViewItems>{places}</ViewItems></ViewLayout>"


def screen_of(site: Site, monitor: str) -> Screen:
    """Read what a monitor shows."""
    state = str(_monitor(site, monitor).fields["monitorState"])
    return Screen.read(state, lambda layout: _places(site, layout))


def _monitor(site: Site, identifier: str) -> Item:
    found = site.shelf.find("monitors", identifier)
    if found is None:
        raise Refused("Monitor not found.")
    return found


def _places(site: Site, layout: str) -> int:
    found = site.shelf.find("layouts", layout)
    if found is None:
        raise Refused(f"Layout not found. layouts/{layout}")
    return len(list(_parsed(str(found.fields["definitionXml"])).iter("ViewItem")))


def show(site: Site, monitor: str, screen: Screen) -> None:
    """Show something on a monitor."""
    item = _monitor(site, monitor)
    item.fields["monitorState"] = screen.write()
    item.fields["lastModified"] = site.now()
    site.shelf.put(item)


def _cameras(site: Site, body: dict[str, Any]) -> list[tuple[str, str]]:
    named = [str(each["id"]).lower() for each in body["cameras"]]
    for camera in named:
        if camera not in site.cameras:
            raise Refused(f"Device not found. cameras/{camera}")
    return [("cameraid", camera) for camera in named]


def _first(screen: Screen, body: dict[str, Any]) -> int:
    """Give the index of the first place meant; the commands count from 1."""
    position = int(float(str(body.get("position", 1))))
    if not 1 <= position <= max(1, len(screen.cells)):
        raise Refused(f"Position {position} is outside the layout.")
    return position - 1


def _apply_cameras(site: Site, monitor: str, body: dict[str, Any]) -> None:
    screen, cameras = screen_of(site, monitor), _cameras(site, body)
    first, count = _first(screen, body), len(screen.cells)
    linked = _monitor(site, monitor).fields["insertionMethod"] == "Linked"
    # "Linked" pushes what was there further; "Independent" takes its place.
    after = screen.cells[first:] if linked else screen.cells[first + len(cameras) :]
    screen.cells = _fit([*screen.cells[:first], *cameras, *after], count)
    show(site, monitor, screen)


def _apply_both(site: Site, monitor: str, body: dict[str, Any]) -> None:
    cameras = _cameras(site, body)
    layout = str(body["layout"]["id"]).lower()
    show(site, monitor, Screen(layout, _fit(cameras, _places(site, layout))))


def _remove_cameras(site: Site, monitor: str, body: dict[str, Any]) -> None:
    screen, cameras = screen_of(site, monitor), _cameras(site, body)
    screen.cells = [_NOTHING if cell in cameras else cell for cell in screen.cells]
    show(site, monitor, screen)


def _apply_layout(site: Site, monitor: str, body: dict[str, Any]) -> None:
    screen, layout = screen_of(site, monitor), str(body["layout"]["id"]).lower()
    show(site, monitor, Screen(layout, _fit(screen.cells, _places(site, layout))))


def _apply_text(site: Site, monitor: str, body: dict[str, Any]) -> None:
    screen = screen_of(site, monitor)
    if "layout" in body:
        layout = str(body["layout"]["id"]).lower()
        screen = Screen(layout, _fit(screen.cells, _places(site, layout)))
    screen.cells[_first(screen, body)] = ("text", str(body["text"]))
    show(site, monitor, screen)


def _apply_state(site: Site, monitor: str, body: dict[str, Any]) -> None:
    state = str(body["monitorState"])
    # The sample VideoWallController sends these two; they say live or playback, not what is shown.
    if _parsed(state).tag in ("MonitorLiveState", "MonitorPlaybackState"):
        return
    show(site, monitor, Screen.read(state, lambda layout: _places(site, layout)))


def _apply_xml(site: Site, monitor: str, body: dict[str, Any]) -> None:
    screen = screen_of(site, monitor)
    _parsed(str(body["viewItemsXml"]))
    screen.cells[_first(screen, body)] = ("xml", str(body["viewItemsXml"]))
    show(site, monitor, screen)


def _activate(site: Site, preset: str, _body: dict[str, Any]) -> None:
    for kept in site.shelf.of("monitorPresets"):
        if kept.fields.get("preset") == preset and kept.parent is not None:
            state = str(kept.fields["definition"])
            show(site, kept.parent[1], Screen.read(state, lambda layout: _places(site, layout)))


def _licensed(site: Site, _item: str) -> bool:
    return site.licence.smart_wall


_LIST: list[object] = []
_PATH = {"type": "layouts", "id": ""}
_WHERE = {"position": shapes.number}
FORMS: Forms = {
    ("monitors", ""): {
        "ApplyCameras": Form(
            "Apply cameras", _apply_cameras, {"cameras": _PATHS, **_WHERE},
            {"cameras": _LIST, "position": 1}, ("cameras",), _licensed,
        ),
        "ApplyCamerasAndLayout": Form(
            "Apply cameras and layout", _apply_both, {"cameras": _PATHS, "layout": _LAYOUT},
            {"cameras": _LIST, "layout": _PATH}, ("cameras", "layout"), _licensed,
        ),
        "RemoveCameras": Form(
            "Remove cameras", _remove_cameras, {"cameras": _PATHS}, {"cameras": _LIST},
            ("cameras",), _licensed,
        ),
        "ApplyViewItemsXml": Form(
            "Apply view items XML", _apply_xml, {"viewItemsXml": shapes.filled, **_WHERE},
            {"position": 1}, ("viewItemsXml",), _licensed,
        ),
        "ApplyMonitorState": Form(
            "Apply monitor state", _apply_state, {"monitorState": shapes.filled}, {},
            ("monitorState",), _licensed,
        ),
        "ApplyLayout": Form(
            "Apply layout", _apply_layout, {"layout": _LAYOUT}, {"layout": _PATH},
            ("layout",), _licensed,
        ),
        "ApplyTextAndLayout": Form(
            "Apply text and layout", _apply_text,
            {"text": shapes.text, "layout": _LAYOUT, **_WHERE},
            {"layout": _PATH, "position": 1}, ("text",), _licensed,
        ),
    },
    ("videoWallPresets", ""): {"Activate": Form("Activate", _activate, offered=_licensed)},
}  # fmt: skip
