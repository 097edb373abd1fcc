"""Bookmarks, and evidence locks where licensed: on the town's cameras, never on a body-worn one.

« Les images transmises au poste de commandement ne peuvent faire l'objet d'un enregistrement
distinct » (CSI R241-13): what an officer's own camera films is not recorded here, so nothing of it
can be marked or locked. The record of the town's own cameras is, under its own rules (L252-5).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.milestone import alarm
from adapters.milestone.api import Api
from adapters.milestone.ladder import Scene, UnfinishedError
from adapters.milestone.record import NOTHING, Part
from hooks import AdapterError, Finding, Message, Picture, Refused, Unreachable
from hooks.causes import cause

log = logging.getLogger(__name__)

#: What led to the press is seen before it.
BEFORE = timedelta(seconds=30)
#: A bookmark must have an end; that one stands until the real one is known.
AFTER = timedelta(seconds=30)


def bookmark(picture: Picture, camera: str) -> dict[str, Any]:
    """Write a bookmark, from before the press to a provisional end."""
    return {
        "header": alarm.name(picture),
        "description": alarm.message(picture),
        "reference": alarm.reference(picture),
        "timeBegin": _iso(picture.opened_at - BEFORE),
        "timeTriggered": _iso(picture.opened_at),
        "timeEnd": _iso(picture.opened_at + AFTER),
        "devicePath": _path(camera),
    }


def lock(picture: Picture, devices: Collection[str], end: datetime, days: int) -> dict[str, Any]:
    """Write an evidence lock. Its life is bounded: a lock outlives the prefect's retention."""
    return {
        "header": alarm.name(picture),
        "description": alarm.message(picture),
        "reference": alarm.reference(picture),
        "startTime": _iso(picture.opened_at - BEFORE),
        "tagTime": _iso(picture.opened_at),
        "endTime": _iso(end),
        "devicePaths": [_path(each) for each in sorted(devices)],
        "retentionOption": {"retentionType": "Days", "retentionUnits": days},
    }


def _path(camera: str) -> dict[str, str]:
    return {"type": "cameras", "id": camera}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _id(row: Mapping[str, Any]) -> str:
    """Read which one a row is; the page shows a bookmark without `id`: its relations have it."""
    relations = row.get("relations")
    itself = relations.get("self") if isinstance(relations, dict) else None
    found = row.get("id") or (itself.get("id") if isinstance(itself, dict) else None)
    return found if isinstance(found, str) else ""


def _is_of(row: Mapping[str, Any], camera: str) -> bool:
    """Whether a bookmark is on this camera: a search may pass over the devices it was given."""
    path = row.get("devicePath")
    device = path.get("id") if isinstance(path, dict) else row.get("deviceId")
    return device is None or str(device).lower() == camera


class Bookmarks:
    """Marks what the shown cameras recorded of an incident."""

    name = "bookmarks"
    wished = False

    def __init__(self, api: Api, *, used: bool = True, lock_days: int = 0) -> None:
        self._api, self.used, self._lock_days = api, used, lock_days

    def show(self, scene: Scene, part: Part) -> Part:
        """Mark each camera as it comes to be shown."""
        made, unsure = dict(part.get("made", {})), part.get("unsure", "")
        forgot = scene.search and not part
        # The town's cameras alone: nothing of a body-worn one is marked (R241-13).
        for camera in (each for each in scene.town if each not in made):
            try:
                found = self._found(scene.picture, camera) if forgot or camera == unsure else ""
                if not found:
                    # After a crash it is looked for before another is made.
                    scene.note({"made": made, "unsure": camera})
                    found = self._created("bookmarks", bookmark(scene.picture, camera))
                made[camera] = found
            except AdapterError as error:
                # A lost reply may hide a bookmark that was made: it is looked for next time.
                lost = {} if isinstance(error, Refused) else {"unsure": camera}
                raise UnfinishedError({"made": made, **lost} if made or lost else NOTHING, error) \
                    from error  # fmt: skip
        return {"made": made} if made else part

    def withdraw(self, scene: Scene, part: Part) -> Part:
        """Give the marks their end, and lock what was recorded where the settings say so."""
        made, unsure = dict(part.get("made", {})), str(part.get("unsure", ""))
        if unsure and unsure not in made and (found := self._found(scene.picture, unsure)):
            made[unsure] = found
        end = scene.picture.ended_at or datetime.now(UTC)
        for camera, mark in made.items():
            self._end(mark, camera, end)
        if self._lock_days and made:
            self._lock(scene, made, end, asked=bool(part.get("locking")))
        return NOTHING

    def _lock(self, scene: Scene, made: Mapping[str, str], end: datetime, *, asked: bool) -> None:
        """Lock what was recorded, once: a lock that was asked for before is looked for."""
        if asked and self._is_locked(scene.picture, next(iter(made))):
            return
        asked_for: Part = {"made": dict(made), "locking": True}
        scene.note(asked_for)
        try:
            self._created("evidenceLocks", lock(scene.picture, made, end, self._lock_days))
        except Unreachable as error:
            raise UnfinishedError(asked_for, error) from error

    def _is_locked(self, picture: Picture, camera: str) -> bool:
        try:
            return bool(self._found(picture, camera, "evidenceLocks"))
        except Refused as refused:  # locked twice is better than not at all
            log.warning("evidence locks are not searched: %s", refused)
            return False

    def examine(self) -> Finding:
        """Say whether bookmarks are to be had: a search that finds nothing tells."""
        if not self.used:
            return Finding(subject=self.name, well=True, said=Message(text="switched off"))
        if self._searched({"time": "2000-01-01T00:00:00.000Z"}) is None:
            return Finding(subject=self.name, well=True, said=Message(
                text="bookmarks on the cameras shown; this XProtect does not understand our search "
                     "for them, so a restart of Renfort may double one"
            ))  # fmt: skip
        locked = Message(text="bookmarks on the cameras shown; evidence locked for {days} days",
                         params={"days": self._lock_days})  # fmt: skip
        plain = Message(
            text="bookmarks on the cameras shown, from 30 s before the press to its end"
        )
        return Finding(subject=self.name, well=True, said=locked if self._lock_days else plain)

    def _end(self, mark: str, camera: str, end: datetime) -> None:
        from adapters.milestone.gateway import DeclinedError  # noqa: PLC0415

        change = {"timeEnd": _iso(end)}
        try:
            try:
                # The page of today requires the device, the one of 2024 does not know it here.
                self._api.change(f"bookmarks/{mark}", {**change, "devicePath": _path(camera)})
            except DeclinedError as error:
                if error.status != 400:
                    raise
                self._api.change(f"bookmarks/{mark}", change)
        except DeclinedError as error:
            if error.status != 404:  # deleted by an operator: his right
                raise

    def _found(self, picture: Picture, camera: str, kind: str = "bookmarks") -> str:
        """Look for a mark of ours; empty: there is none, or it cannot be looked for."""
        around = {"timeSpanBefore": BEFORE.total_seconds(), "timeSpanAfter": AFTER.total_seconds()}
        asked = {"time": _iso(picture.opened_at), **around, "deviceIds": [camera]}
        mark = alarm.reference(picture)
        for each in self._searched(asked, kind) or ():
            if _is_of(each, camera) and any(mark in str(said) for said in each.values()):
                return _id(each)
        return ""

    def _searched(
        self, body: dict[str, Any], kind: str = "bookmarks"
    ) -> list[dict[str, Any]] | None:
        """Search; None: not as this site understands it. How one searches was read by others."""
        from adapters.milestone.gateway import DeclinedError  # noqa: PLC0415

        try:
            answer = self._ask(f"{kind}?task=searchTime", body)
        except Refused as error:
            if isinstance(error.__cause__, DeclinedError) and error.__cause__.status == 400:
                log.warning("%s are not searched: %s", kind, error.__cause__)
                return None
            raise
        # Under which name the list stands is not known either: it is the one there is.
        rows = next((each for each in answer.values() if isinstance(each, list)), [])
        return [each for each in rows if isinstance(each, dict)]

    def _created(self, kind: str, body: dict[str, Any]) -> str:
        """Create one; gives its id."""
        answer = self._ask(kind, body)
        result = answer.get("result") or answer.get("data")
        found = _id(result) if isinstance(result, dict) else ""
        if not found:
            raise Unreachable("XProtect created {kind} and did not say which", kind=kind)
        return found

    def _ask(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._api.ask("POST", kind, body)
        except Refused as error:
            locks = Message(text="evidence locks") if "Locks" in kind else None
            raise Refused(
                "no {kind}: needs XProtect 2024 R2, its licence and the right ({why})",
                kind=locks or Message(text="bookmarks"), why=cause(error),
            ) from error  # fmt: skip
