"""Bookmarks and evidence locks: REST since 2024 R2. There is no list, only search tasks.

Paths, verbs and properties are those of the maker's pages `bookmarks-rest/v1` and
`evidencelocks-rest/v1`; envelopes follow the configuration's, and the fields of searches are read
from the documentation by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from adapters.milestone.simulator import shapes
from adapters.milestone.simulator.inventory import guid
from adapters.milestone.simulator.releases import Feature
from adapters.milestone.simulator.rest import (
    Answer,
    body_of,
    error,
    forbidden,
    query_refused,
    route,
    unknown_request,
)
from adapters.milestone.simulator.shapes import Shape
from adapters.milestone.simulator.shelf import Item
from adapters.milestone.simulator.site import Site

Fields = dict[str, Any]
#: The event behind "use a bookmark to start a rule".
REFERENCE_REQUESTED = guid("event type: bookmark reference requested")


def moment(value: object) -> bool:
    """Accept a time with its zone."""
    try:
        return isinstance(value, str) and _time(value).tzinfo is not None
    except ValueError:
        return False


def _time(text: str) -> datetime:
    # Seven decimals are the maker's; Python reads six.
    head, dot, tail = text.partition(".")
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return datetime.fromisoformat(head + dot + digits[:6] + tail[len(digits) :])


_TIMES: Mapping[str, Shape] = {"timeBegin": moment, "timeTriggered": moment, "timeEnd": moment}
_WORDS: Mapping[str, Shape] = {
    "header": shapes.text, "description": shapes.text, "reference": shapes.text
}  # fmt: skip
_DEVICES = shapes.several(shapes.identifier)
_PATH = shapes.path("cameras")
#: The words of the SOAP `RetentionOptionType`; how many days each is, for the date of the end.
_RETENTION_DAYS = {"Days": 1, "Weeks": 7, "Months": 30, "Years": 365}
_RETENTION: Mapping[str, Shape] = {
    "retentionType": shapes.among(*_RETENTION_DAYS, "Unused", "UserDefined", "Indefinite"),
    "retentionUnits": shapes.between(-1, 10_000),
}
_FOR_EVER: Fields = {
    "retentionOption": {"retentionUnits": -1, "retentionType": "Indefinite"},
    "retentionExpire": "9999-12-31T22:59:59.9999999Z",
}


def _retention(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) <= set(_RETENTION)
        and shapes.wrong(value, _RETENTION) is None
    )


_AROUND: Mapping[str, Shape] = {
    "timeSpanBefore": shapes.number, "timeSpanAfter": shapes.number, "deviceIds": _DEVICES,
    "maxResults": shapes.between(0, 10_000), "searchText": shapes.text,
}  # fmt: skip
_SEARCH: Mapping[str, Mapping[str, Shape]] = {
    "searchTime": {"time": moment, **_AROUND},
    "searchFromBookmark": {"id": shapes.identifier, **_AROUND},
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What tells the two apart: their properties, and who may have them."""

    name: str
    begin: str
    moment: str  #: what it is about, between the two
    end: str
    devices: str
    fields: Mapping[str, Shape]
    allowed: Callable[[], bool]


def routes(site: Site) -> list[BaseRoute]:
    """List the endpoints of both."""
    bookmarks = _Kind(
        "bookmarks", "timeBegin", "timeTriggered", "timeEnd", "devicePath",
        # `deviceId` alone was read in an early documentation [F]; the page of today has a path.
        {**_TIMES, **_WORDS, "devicePath": _PATH, "deviceId": shapes.identifier},
        lambda: site.licence.bookmarks,
    )  # fmt: skip
    locks = _Kind(
        "evidenceLocks", "startTime", "tagTime", "endTime", "devicePaths",
        {
            **_WORDS, "startTime": moment, "tagTime": moment, "endTime": moment,
            "devicePaths": shapes.several(_PATH), "retentionExpire": moment,
            "retentionOption": _retention,
        },
        lambda: site.licence.evidence_locks,
    )  # fmt: skip
    return [*_Marks(site, bookmarks).routes(), *_Marks(site, locks).routes()]


def _with_path(body: Fields) -> Fields:
    """Write a device named by its id alone as the path it stands for."""
    if "deviceId" not in body:
        return body
    rest = {name: value for name, value in body.items() if name != "deviceId"}
    return {"devicePath": {"type": "cameras", "id": body["deviceId"]}, **rest}


class _Marks:
    """One of the two: the same verbs, other properties, another licence."""

    def __init__(self, site: Site, kind: _Kind) -> None:
        self._site, self._of, self._kind = site, kind, kind.name

    def routes(self) -> list[BaseRoute]:
        """Serve it: no GET lists them, the documentation says so of bookmarks."""
        path = self._kind.lower()
        several: dict[str, Answer] = {"POST": self._post, "GET": self._no_list}
        one: dict[str, Answer] = {"GET": self._get, "PATCH": self._patch, "DELETE": self._delete}
        return [
            route(self._site, path, Feature.BOOKMARKS, **several),
            route(self._site, f"{path}/{{id}}", Feature.BOOKMARKS, **one),
        ]

    async def _no_list(self, _request: Request) -> Response:
        return unknown_request()

    async def _post(self, request: Request) -> Response:
        if not self._of.allowed():
            return forbidden()
        refused = query_refused(request, ("task",))
        if refused is not None:
            return refused
        if "task" in request.query_params:
            return await self._run(request, request.query_params["task"])
        return await self._create(request)

    async def _create(self, request: Request) -> Response:
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        kind, site = self._of, self._site
        for name in (kind.devices, kind.begin, kind.end, "header"):
            if name not in body:
                return error(400, f"Missing required property: {name}", propertyName=name)
        fields = {
            kind.moment: body[kind.begin], "description": "", "user": site.accounts.username,
            "reference": f"no.{len(site.shelf.of(self._kind)) + 1:06d}", **self._kept(body), **body,
        }  # fmt: skip
        bad = self._unfit(fields)
        if bad is not None:
            return bad
        item = Item(self._kind, str(uuid4()), fields)
        site.shelf.put(item)
        return JSONResponse({"result": self._write(item)}, 201)

    async def _body(self, request: Request) -> Fields | Response:
        """Read a body whose properties all are ones, and of their shapes."""
        body = await body_of(request, self._of.fields)
        if isinstance(body, Response):
            return body
        bad = shapes.wrong(body, self._of.fields)
        if bad is not None:
            return error(400, f"Invalid value for property: {bad}", propertyName=bad)
        return _with_path(body)

    def _kept(self, body: Fields) -> Fields:
        """Say until when a lock keeps what it locks, and what the recorder notes of it."""
        if self._kind != "evidenceLocks":
            return {}
        now = self._site.now()
        known: Fields = {"created": now, "lastModified": now, "retentionSize": 0, **_FOR_EVER}
        option = body.get("retentionOption", {})
        days = _RETENTION_DAYS.get(option.get("retentionType"), 0)
        kept_days = days * float(option.get("retentionUnits", -1))
        if kept_days > 0:
            with suppress(OverflowError):  # past the year 9999: for ever
                until = _time(body[self._of.end]) + timedelta(days=kept_days)
                known["retentionExpire"] = until.isoformat()
        return known

    async def _get(self, request: Request) -> Response:
        item = self._site.shelf.find(self._kind, request.path_params["id"])
        refused = query_refused(request, ())
        return refused or (
            JSONResponse({"data": self._write(item)}) if item else self._missing(request)
        )

    async def _patch(self, request: Request) -> Response:
        item = self._site.shelf.find(self._kind, request.path_params["id"])
        if item is None:
            return self._missing(request)
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        if not body:
            return unknown_request()
        bad = self._unfit({**item.fields, **body})
        if bad is not None:
            return bad
        item.fields |= body
        if "lastModified" in item.fields:
            item.fields["lastModified"] = self._site.now()
        self._site.shelf.put(item)
        return JSONResponse({"data": self._write(item)})

    async def _delete(self, request: Request) -> Response:
        item = self._site.shelf.find(self._kind, request.path_params["id"])
        if item is None:
            return self._missing(request)
        self._site.shelf.drop(item)
        return JSONResponse({"state": "Success"})

    def _missing(self, request: Request) -> Response:
        return error(404, f"Not found. {self._kind}/{request.path_params['id']}")

    def _unfit(self, whole: Fields) -> Response | None:
        kind = self._of
        if _time(whole[kind.begin]) > _time(whole[kind.end]):
            return error(400, f"Invalid value for property: {kind.end}", propertyName=kind.end)
        for camera in self._devices(whole):
            if camera not in self._site.cameras:
                return error(400, f"Device not found. cameras/{camera}", propertyName=kind.devices)
        return None

    def _devices(self, fields: Fields) -> list[str]:
        named = fields[self._of.devices]
        return [str(each["id"]).lower() for each in (named if isinstance(named, list) else [named])]

    def _write(self, item: Item) -> Fields:
        named = {}
        if self._kind == "bookmarks":
            [camera] = self._devices(item.fields)
            named["deviceName"] = getattr(self._site.cameras.get(camera), "name", "")
        relations = {"self": {"type": self._kind, "id": item.id}}
        return {"id": item.id, **item.fields, **named, "relations": relations}

    async def _run(self, request: Request, task: str) -> Response:
        if task == "newReference" and self._kind == "bookmarks":
            return await self._reference(request)
        if task not in _SEARCH:
            return unknown_request()
        body = await body_of(request, _SEARCH[task])
        if isinstance(body, Response):
            return body
        needed = next(iter(_SEARCH[task]))
        if needed not in body:
            return error(400, f"Missing required property: {needed}", propertyName=needed)
        bad = shapes.wrong(body, _SEARCH[task])
        if bad is not None:
            return error(400, f"Invalid value for property: {bad}", propertyName=bad)
        return self._found(body)

    def _found(self, body: Fields) -> Response:
        kept = self._site.shelf.of(self._kind)
        if "id" in body:
            origin = self._site.shelf.find(self._kind, str(body["id"]).lower())
            if origin is None:
                return error(404, f"Not found. {self._kind}/{body['id']}")
            around = _time(origin.fields[self._of.begin])
        else:
            around = _time(body["time"])
        try:
            first = around - timedelta(seconds=float(body.get("timeSpanBefore", 0)))
            last = around + timedelta(seconds=float(body.get("timeSpanAfter", 0)))
        except OverflowError:  # before the year 1, or after 9999
            return error(400, "Bad request: the time span is too long.")
        wanted = {str(each).lower() for each in body.get("deviceIds", ())}
        text = str(body.get("searchText", "")).casefold()
        found = [
            self._write(each)
            for each in kept
            if _time(each.fields[self._of.end]) >= first
            and _time(each.fields[self._of.begin]) <= last
            and (not wanted or wanted & set(self._devices(each.fields)))
            and text in f"{each.fields['header']} {each.fields['description']}".casefold()
        ]
        return JSONResponse({"array": found[: int(float(str(body.get("maxResults", 1000))))]})

    async def _reference(self, request: Request) -> Response:
        """Give a reference, and the event on which rules start: nothing is kept."""
        body = await self._body(request)
        if isinstance(body, Response):
            return body
        if "devicePath" not in body:
            return error(400, "Missing required property: devicePath", propertyName="devicePath")
        [camera] = self._devices(body)
        if camera not in self._site.cameras:
            return error(400, f"Device not found. cameras/{camera}", propertyName="devicePath")
        self._site.happen(REFERENCE_REQUESTED, f"cameras/{camera}")
        number = len(self._site.shelf.of(self._kind)) + 1
        return JSONResponse({"result": {"id": str(uuid4()), "reference": f"no.{number:06d}"}})
