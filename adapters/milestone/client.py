"""What the adapter asks of a site, in its own words: cameras, alarms, health. Blocks; threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests

from adapters.milestone import alarm as alarms
from adapters.milestone.decode import read_cameras
from adapters.milestone.gateway import DeclinedError, Gateway, Site
from hooks import AdapterError, Camera, Health, Listener, Message, Refused, Unreachable

log = logging.getLogger(__name__)

#: A large site answers its inventory in minutes: 2 489 devices took more than 30 s.
INVENTORY_S = 180.0
#: How far we look for our own alarm. The maker's pages hold 2 000 at most.
PAGE, MOST_PAGES = 500, 40
#: A connection left alone is closed by IIS after two minutes, and a token lapses in an hour: a
#: press in a quiet night must not pay for either.
WARM_EVERY_S = 30.0
#: Clocks further apart than that are said: alarms and journal would not tell the same story.
SKEW_S = 30.0

Row = dict[str, Any]


class Client:
    """One site. Used by several threads at once."""

    def __init__(self, site: Site) -> None:
        self._gateway = Gateway(site)
        self._site = site
        self._enums: dict[str, list[Row]] = {}

    def close(self) -> None:
        """Close the connections that are kept."""
        self._gateway.close()

    # --- inventory ---

    def cameras(self) -> list[Camera]:
        """Give all cameras, disabled ones too, each with the address of its hardware."""
        rows = self._list("cameras?disabled", INVENTORY_S)
        hardware: list[Row] = []
        try:
            hardware = self._list("hardware?disabled", INVENTORY_S)
        except AdapterError as error:
            # A role may see cameras and not hardware: an address is worth less than the cameras.
            log.warning("no addresses of cameras: %s", error)
        return read_cameras(rows, hardware)

    def cameras_named(self, part: str) -> list[Camera]:
        """Give the cameras whose name contains this, without reading the whole inventory."""
        try:
            return read_cameras(self._list(f"cameras?name=contains:'{quote(part, safe='')}'"))
        except DeclinedError:  # a release that knows no such filter
            return []

    def has_camera(self, guid: str) -> bool:
        """Whether the site has this camera, for this account."""
        try:
            self._ask("GET", f"cameras/{guid}")
        except DeclinedError as error:
            if error.status in (400, 403, 404):  # the maker answers either for an unknown one
                return False
            raise
        return True

    # --- alarms ---

    def create_alarm(self, body: Mapping[str, Any], cameras: Sequence[str]) -> str:
        """Create an alarm on the first of these cameras that is taken as its source, else on none.

        A refusal creates nothing, so the next camera may be tried. Gives the alarm's id.

        Raises
        ------
        Unreachable
            It may exist all the same: look for it before creating again.
        Refused
            Neither on these cameras nor without any.
        """
        refusals = []
        for camera in (*cameras, None):
            try:
                return self._created({**body, "source": camera} if camera else body)
            except DeclinedError as error:
                log.warning("no alarm on camera %s: %s", camera, error)
                refusals.append(error)
        if refusals[0].status == 400 and not cameras:
            raise Refused(
                "XProtect takes no alarm without a camera: set fallback_camera, or devices ({why})",
                why=str(refusals[0].params.get("why", "")),
            ) from refusals[0]  # fmt: skip
        raise refusals[0]

    def _created(self, body: Mapping[str, Any]) -> str:
        answer = self._ask("POST", "alarms", body)
        data = answer.get("data") or answer.get("result")
        identifier = data.get("id") if isinstance(data, Mapping) else None
        if not isinstance(identifier, str | int):
            raise Unreachable("{host} created an alarm and did not say which", host=self._site.host)
        return str(identifier)

    def change_alarm(self, alarm: str, body: Mapping[str, Any]) -> bool:
        """Change an alarm; False when there is none of that id."""
        try:
            self._gateway.ask("PATCH", f"alarms/{quote(alarm, safe='')}", body)
        except DeclinedError as error:
            if error.status == 404:
                return False
            self._enums = {}  # a state or a reason may have been replaced: ask again next time
            raise
        return True

    def close_alarm(self, alarm: str, body: Mapping[str, Any], reason: str | int | None) -> None:
        """Close an alarm, with its reason where the site takes it; one that is gone is closed.

        The form of `reasonForClosing` is not documented; an identifier is sent, as for the state.
        An alarm closed without its reason is better than one left open: the comment says it too.
        """
        if reason is not None:
            try:
                self.change_alarm(alarm, {**body, "reasonForClosing": reason})
            except DeclinedError as error:
                if error.status != 400:
                    raise
                log.warning("closed without the reason %s: %s", reason, error)
            else:
                return
        self.change_alarm(alarm, body)

    def find_alarm(self, mark: str, opened_at: datetime) -> str | None:
        """Look for an alarm that bears a mark, and is not older than `opened_at`."""
        for page in self._pages():
            found = alarms.find(page, mark)
            if found or alarms.past(page, opened_at):
                return found
        return None

    def level(self, enum: str, name: str) -> str | int | None:
        """Give the id of a state or a priority, by its name in `alarm.LEVELS`."""
        return alarms.pick(self._enum(enum), *alarms.LEVELS[name])

    def close_reason(self, *names: str) -> str | int | None:
        """Give the id of the first of these reasons for closing that the site has."""
        try:
            listed = self._enum("closeReasons")
        except DeclinedError:  # not in older releases, or not for this role
            return None
        found = (alarms.named(listed, name) for name in names if name)
        return next((each for each in found if each is not None), None)

    # --- health ---

    def probe(self, cameras: Iterable[str], fallback: bool) -> Health:
        """Ask for all that an alarm needs: token, rights, states, clock, and these cameras.

        `fallback` says whether an alarm always has a camera to be made on.

        Raises
        ------
        AdapterError
            The site does not answer, or the account may not.
        """
        answer = self._needed("alarmStates")
        self._needed("alarms?page=0&size=1")
        skew_s = _skew_s(answer.headers.get("Date"))
        version = {"version": self._gateway.found().version or "?"}
        detail = Message(text="XProtect {version} answers, alarms included", params=version)
        if not fallback:
            detail = Message(
                text="XProtect {version} answers. Set fallback_camera: without it, an officer "
                "whom no camera stands for nor sees has no alarm",
                params=version,
            )
        if skew_s is not None and abs(skew_s) > SKEW_S:
            detail = Message(
                text="its clock is {skew:.0f} s off ours: set both by NTP", params={"skew": skew_s}
            )
        for guid in cameras:
            if not self.has_camera(guid):
                raise Refused(
                    "camera {camera} of the settings is not in XProtect, or not for {username}",
                    camera=guid, username=self._site.username,
                )  # fmt: skip
        return Health(alive=True, clock_skew_s=skew_s, detail=detail)

    def warm(self) -> None:
        """Have token, connection and levels ready; prove that alarms can be made now.

        States come from the Event Server, which keeps the alarms: a gateway that answers while it
        does not would prove nothing.
        """
        self._enums["alarmStates"] = self._list("alarmStates")
        self._enum("alarmPriorities")

    async def watch(self, listener: Listener) -> None:
        """Keep all warm until cancelled; raise when the site is lost."""
        while True:
            await asyncio.to_thread(self.warm)
            listener.up()
            await asyncio.sleep(WARM_EVERY_S)

    # --- requests ---

    def _enum(self, name: str) -> list[Row]:
        found = self._enums.get(name)
        if found is None:
            found = self._enums[name] = self._list(name)
        return found

    def _pages(self) -> Iterator[list[Row]]:
        """Go through the alarms; the same page twice means that there are no pages."""
        first: object = None
        for number in range(MOST_PAGES):
            page = self._list(f"alarms?page={number}&size={PAGE}")
            if not page or (number and page[0].get("id") == first):
                return
            yield page
            if len(page) < PAGE:
                return
            first = page[0].get("id")
        log.warning("our alarm was not found among the first %d", PAGE * MOST_PAGES)

    def _list(self, path: str, read_s: float | None = None) -> list[Row]:
        found = self._ask("GET", path, read_s=read_s).get("array")
        if not isinstance(found, list):
            raise Unreachable("{host} answers no list to {path}", host=self._site.host, path=path)
        return [each for each in found if isinstance(each, dict)]

    def _needed(self, path: str) -> requests.Response:
        try:
            answer = self._gateway.ask("GET", path)
        except DeclinedError as error:
            if error.status != 403:
                raise
            raise Refused(
                "the role of {username} lacks the rights on alarms: see Overall Security, Alarms, "
                "in Management Client ({why})",
                username=self._site.username, why=str(error.params.get("why", "")),
            ) from error  # fmt: skip
        self._gateway.read(answer, path)
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        read_s: float | None = None,
    ) -> Row:
        return self._gateway.read(self._gateway.ask(method, path, body, read_s), path)


def _skew_s(date: str | None) -> float | None:
    """Read their clock minus ours, to a second, from the Date of an answer."""
    try:
        return (parsedate_to_datetime(date or "") - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
