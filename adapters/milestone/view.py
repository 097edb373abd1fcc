"""Views of the Smart Client: a shared one that shows the incident, and our page as a tile of one.

How a camera's tile is written is read in the maker's own tools; how an HTML tile is, nobody
publishes, so it is copied from one that the site has, with our address in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from adapters.milestone.api import Api
from adapters.milestone.ladder import Scene, UnfinishedError
from adapters.milestone.record import NOTHING, Part
from adapters.milestone.wall import LARGEST_STATE, arrange, digest
from hooks import AdapterError, Finding, IncidentId, Message, Refused

Row = Mapping[str, Any]

_ITEM = "VideoOS.RemoteClient.Application.Data.ContentTypes.CameraContentType.CameraViewItem"
_PROGRAM = "VideoOS.RemoteClient.Application"
_EMPTY = "VideoOS.RemoteClient.Application.Data.Configuration.EmptyViewItem"
_NONE = "00000000-0000-0000-0000-000000000000"
#: Groups are two deep: the maker's own tool refuses views in a group at the top.
GROUP = "Renfort"
#: Begins the ids of our tiles: so a view that shows another incident of ours is known, which is not
#: to be taken for what the operators had there.
OURS = "0b1f6a52"
#: One place, the whole of the square in which the Smart Client counts.
_WHOLE = (
    "<ViewItems><ViewItem><Position><X>0</X><Y>0</Y></Position>"
    "<Size><Width>1000</Width><Height>1000</Height></Size></ViewItem></ViewItems>"
)


# --- tiles ---


def camera_tile(camera: str) -> str:
    """Write the tile of a camera, live, as the maker's tools do."""
    tile = _tile(f"{_ITEM}, {_PROGRAM}", "Camera ViewItem")
    said = {
        "cameraid": camera, "livestreamid": _NONE, "imagequality": "100", "framerate": "0",
        "maintainimageaspectratio": "True", "usedefaultdisplaysettings": "True",
        "showtitlebar": "True", "usingproperties": "True",
    }  # fmt: skip
    SubElement(tile, "iteminfo", said)
    properties = SubElement(tile, "properties")
    for name in ("cameraid", "livestreamid", "framerate", "imagequality"):
        SubElement(properties, "property", name=name, value=said[name])
    return tostring(tile, encoding="unicode")


def empty_tile() -> str:
    """Write the tile that shows nothing."""
    return tostring(_tile(f"{_EMPTY}, {_PROGRAM}", "Empty"), encoding="unicode")


def _tile(kind: str, name: str) -> Element:
    own, client = (OURS + str(uuid4())[len(OURS) :] for _ in range(2))
    return Element("viewitem", id=own, displayname=name, type=kind, smartClientId=client)


def is_html(xml: str) -> bool:
    """Whether a tile shows a web page."""
    try:
        return "html" in str(fromstring(xml).get("type", "")).lower()
    except (ParseError, DefusedXmlException):
        return False


def with_address(xml: str, url: str) -> str:
    """Copy a tile that shows a web page, to show ours; `Refused` when no address is found in it."""
    root: Element = fromstring(xml)
    found = 0
    for each in root.iter():
        for name, value in each.attrib.items():
            if value.lower().startswith(("http://", "https://")):
                each.set(name, url)
                found += 1
        if each.text and each.text.strip().lower().startswith(("http://", "https://")):
            each.text, found = url, found + 1
    if not found:
        raise Refused("the HTML tile of this site holds no address: give it one, and try again")
    root.set("id", str(uuid4()))
    if root.get("smartClientId"):
        root.set("smartClientId", str(uuid4()))
    return tostring(root, encoding="unicode")


def written_in(items: object) -> list[tuple[str, str]]:
    """Read a view's tiles: the name of the field that holds each one's XML, and the XML."""
    found = []
    for each in items if isinstance(items, list) else []:
        named = [key for key in each if "xml" in key.lower()] if isinstance(each, dict) else []
        if named:
            found.append((named[0], str(each[named[0]])))
    return found


def filled(items: Sequence[dict[str, Any]], cameras: Sequence[str]) -> list[dict[str, Any]]:
    """Put cameras into a view's places, in order; places left over show nothing."""
    changed = []
    for place, item in enumerate(items):
        field = next((key for key in item if "xml" in key.lower()), "")
        if not field:
            raise Refused("the tiles of this view are written otherwise than we know: {fields}",
                          fields=", ".join(item) or "?")  # fmt: skip
        tile = camera_tile(cameras[place]) if place < len(cameras) else empty_tile()
        changed.append({**item, field: tile})
    return changed


# --- a shared view, as a rung ---


class SharedView:
    """A view that operators keep open: its places show the incident, then what they showed."""

    name = "view"

    def __init__(self, api: Api, named: str) -> None:
        self._api, self._named = api, named
        self._holder: IncidentId | None = None
        self._taking = threading.Lock()

    @property
    def used(self) -> bool:
        """Whether the settings name one."""
        return bool(self._named)

    wished = used

    def show(self, scene: Scene, part: Part) -> Part:
        """Change the view when its cameras are to be others."""
        if part.get("left"):
            return part
        before = list(part.get("cameras", ()))
        cameras = arrange(before, scene.shown)
        if not cameras or list(cameras) == before:
            return part
        incident = scene.picture.incident
        self._take(incident)
        try:
            shown = self._changed(scene, part, cameras)
        except AdapterError:
            if "before" not in part:
                self._release(incident)
            raise
        if shown.get("left"):
            self._release(incident)
        return shown

    def _take(self, incident: IncidentId) -> None:
        """Hold the view: two presses at once would both find it free."""
        with self._taking:
            if self._holder not in (None, incident):
                raise Refused("the view {name} already shows another incident", name=self._named)
            self._holder = incident

    def _release(self, incident: IncidentId) -> None:
        with self._taking:
            if self._holder == incident:
                self._holder = None

    def _changed(self, scene: Scene, part: Part, cameras: Sequence[str]) -> Part:
        view = self._api.one(f"views/{_named(self._api, self._named)['id']}")
        items = view.get("viewItems")
        kept = json.dumps(items)
        if not isinstance(items, list) or not items or len(kept) > LARGEST_STATE:
            raise Refused("the view {name} has no tiles that can be changed", name=self._named)
        if part.get("after") and digest(kept) != part["after"]:
            return {"left": True}
        if "before" not in part and OURS in kept:
            raise Refused("the view {name} already shows another incident", name=self._named)
        draft = {"id": view["id"], "before": part.get("before", kept)}
        changed = filled(items, cameras)
        scene.keep(draft)  # no `after` in it: from here on what the view shows is ours
        try:
            self._api.change(f"views/{view['id']}", {"viewItems": changed})
            after = self._items(view["id"])  # as XProtect writes them
        except AdapterError as error:
            raise UnfinishedError(draft, error) from error
        return {**draft, "after": digest(after), "cameras": list(cameras)}

    def withdraw(self, scene: Scene, part: Part) -> Part:
        """Give the view back as it was, unless somebody has changed it."""
        try:
            self._give_back(part)
        except Refused:
            self._release(scene.picture.incident)
            raise
        self._release(scene.picture.incident)
        return NOTHING

    def _give_back(self, part: Part) -> None:
        if not part.get("before") or part.get("left"):
            return
        if not part.get("after") or digest(self._items(part["id"])) == part["after"]:
            before = json.loads(str(part["before"]))
            self._api.change(f"views/{part['id']}", {"viewItems": before})

    def _items(self, view: object) -> str:
        return json.dumps(self._api.one(f"views/{view}").get("viewItems"))

    def examine(self) -> Finding:
        """Say whether it is there, and whether its tiles can be written."""
        if not self.used:
            return Finding(subject=self.name, well=True,
                           said=Message(text="not used: the settings name none"))  # fmt: skip
        places = len(written_in(_named(self._api, self._named).get("viewItems")))
        if not places:
            raise Refused("the view {name} has no tiles that can be changed", name=self._named)
        said = Message(text="view {name}, {count} places; a client that has it open may need to "
                            "reload it", params={"name": self._named, "count": places})  # fmt: skip
        return Finding(subject=self.name, well=True, said=said)


def _named(api: Api, name: str) -> Row:
    said = name.casefold()
    for view in views(api):
        if said in (str(view.get("name", "")).casefold(), str(view.get("id", "")).casefold()):
            return view
    raise Refused("there is no view {name} in XProtect that we may see", name=name)


def views(api: Api) -> Iterator[Row]:
    """Go through all views, group by group."""
    waiting = [str(each["id"]) for each in api.rows("viewGroups")]
    seen = set[str]()
    while waiting:
        group = waiting.pop(0)
        if group in seen:
            continue
        seen.add(group)
        yield from api.rows(f"viewGroups/{group}/views")
        waiting += [str(each["id"]) for each in api.rows(f"viewGroups/{group}/viewGroups")]


# --- our page as a tile, set up once ---


def set_up(api: Api, url: str) -> str:
    """Make the view « Renfort » that shows our page; gives its name. Safe to repeat.

    Raises
    ------
    Refused
        The site has no HTML tile to copy, or the account may not make views.
    """
    all_views = list(views(api))
    made = next((each for each in all_views if each.get("name") == GROUP), None)
    html = [xml for each in all_views for _, xml in written_in(each.get("viewItems"))]
    model = next((xml for xml in html if is_html(xml)), "")
    if not model:
        raise Refused(
            "no view of this site has an HTML tile to copy: put one, with any address, into a view "
            "in the Smart Client, and try again"
        )
    tile = {"viewItemPosition": 0, "viewItemDefinitionXml": with_address(model, url)}
    if made is not None:
        api.change(f"views/{made['id']}", {"viewItems": [tile]})
        return GROUP
    top = _group(api, "viewGroups")
    inside = _group(api, f"viewGroups/{top}/viewGroups")
    body = {"name": GROUP, "layoutViewItems": _WHOLE, "viewItems": [tile]}
    api.ask("POST", f"viewGroups/{inside}/views", body)
    return GROUP


def _group(api: Api, path: str) -> str:
    known = [each for each in api.rows(path) if each.get("name") == GROUP]
    if known:
        return str(known[0]["id"])
    made = api.ask("POST", path, {"name": GROUP}).get("result")
    if not isinstance(made, dict) or not made.get("id"):
        raise Refused("XProtect created {kind} and did not say which", kind="viewGroups")
    return str(made["id"])
