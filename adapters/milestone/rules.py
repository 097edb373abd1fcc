"""What the site itself decided beforehand: a preset of the wall, rules on an event of ours."""

from __future__ import annotations

from collections.abc import Callable

from adapters.milestone.api import Api, pick_task
from adapters.milestone.gateway import DeclinedError, never_sent
from adapters.milestone.ladder import Scene, UnfinishedError
from adapters.milestone.record import NOTHING, Part
from adapters.milestone.soap import Soap
from hooks import Finding, Message, Refused, Unreachable

#: Under which a part remembers an opening asked for, of which no answer was heard.
_ASKED = "asked"


class _OnceEach:
    """A rung climbed once at the press, and once at the end, by two names of the site's own.

    An opening whose answer is lost is asked for again: recording started twice is better than not
    at all. It may have been done, so it is closed at the end whatever came of it.
    """

    name: str
    _done: str  #: under which the part of the receipt remembers the opening

    def __init__(self, api: Api, opening: str, closing: str) -> None:
        self._api, self._opening, self._closing = api, opening, closing

    @property
    def used(self) -> bool:
        """Whether the settings name one."""
        return bool(self._opening)

    wished = used

    def show(self, scene: Scene, part: Part) -> Part:
        """Do the opening one, once an incident: what follows is the operators' business."""
        if part.get(self._done):
            return part
        ask, asked = self._ready(self._opening), {_ASKED: self._opening}
        scene.note(asked)
        try:
            ask()
        except Unreachable as error:
            if never_sent(error.__cause__):
                raise
            raise UnfinishedError(asked, error) from error
        return {self._done: self._opening}

    def withdraw(self, _scene: Scene, part: Part) -> Part:
        """Do the closing one."""
        if self._closing and (part.get(self._done) or part.get(_ASKED)):
            self._ready(self._closing)()
        return NOTHING

    def examine(self) -> Finding:
        """Say whether both are there."""
        if not self.used:
            unused = Message(text="not used: the settings name none")
            return Finding(subject=self.name, well=True, said=unused)
        for each in filter(None, (self._opening, self._closing)):
            self._find(each)
        return Finding(subject=self.name, well=True, said=self._well())

    def _ready(self, name: str) -> Callable[[], object]:
        """Find all that it takes; gives the act itself."""
        raise NotImplementedError

    def _find(self, name: str) -> str:
        """Give the identifier of what bears that name, or is it; `Refused` when nothing does."""
        raise NotImplementedError

    def _well(self) -> Message:
        raise NotImplementedError


class Preset(_OnceEach):
    """A preset of the Smart Wall, activated at the press, and another one at the end."""

    name = "wall preset"
    _done = "activated"

    def _ready(self, name: str) -> Callable[[], object]:
        path = f"videoWallPresets/{self._find(name)}"
        task = pick_task(self._api.offered(path), "activate")
        if not task:
            raise Refused("XProtect does not offer to activate the preset {name}: no Smart Wall "
                          "licence, or no right", name=name)  # fmt: skip
        return lambda: self._api.run(path, task, {})

    def _find(self, name: str) -> str:
        for wall in self._api.rows("videoWalls"):
            for each in self._api.rows(f"videoWalls/{wall['id']}/videoWallPresets"):
                if _called(each, name):
                    return str(each["id"])
        raise Refused("there is no preset {name} of a wall in XProtect", name=name)

    def _well(self) -> Message:
        return Message(text="preset {name} at the press", params={"name": self._opening})


class Rules(_OnceEach):
    """User-defined events: the site's own rules record, light, turn, send; we say when.

    Manual recording has no REST task: a rule on the event does it. That rule is for the town's
    cameras; it must not name a body-worn one (CSI R241-13).
    """

    name = "rules"
    _done = "told"

    def __init__(self, api: Api, opening: str, closing: str, soap: Soap) -> None:
        super().__init__(api, opening, closing)
        self._soap = soap

    def _ready(self, name: str) -> Callable[[], object]:
        event = self._find(name)
        return lambda: self._tell(event)

    def _tell(self, event: str) -> None:
        """Let it happen: by REST, or by SOAP on a release whose REST takes no events."""
        try:
            self._api.ask("POST", "events", {"type": event})
        except DeclinedError as declined:
            if declined.status != 404:
                raise
            self._soap.trigger(event)

    def _find(self, name: str) -> str:
        for each in self._api.rows("userDefinedEvents"):
            if _called(each, name):
                return str(each["id"])
        raise Refused(
            "there is no user-defined event {name} in XProtect: define it in Management Client",
            name=name,
        )

    def _well(self) -> Message:
        return Message(text="event {name} at the press: what rules make of it is the site's own",
                       params={"name": self._opening})  # fmt: skip


def _called(row: dict[str, object], name: str) -> bool:
    return name.casefold() in (str(row.get("name", "")).casefold(), str(row.get("id")))
