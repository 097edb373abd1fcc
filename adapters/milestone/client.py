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
from adapters.milestone import releases
from adapters.milestone.api import READ_S
from adapters.milestone.decode import Box, read_cameras, read_hardware
from adapters.milestone.elsewhere import level_of
from adapters.milestone.gateway import DeclinedError, Gateway, Site
from adapters.milestone.state import StateFeed
from adapters.milestone.theirs import Ours
from hooks import AdapterError, Camera, Finding, Health, Listener, Message, Refused, Unreachable
from hooks.causes import cause

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


class NoAlarmsError(Refused):
    """A release that takes no alarms from programs; all other ways of showing remain."""

    def __init__(self, said: Refused) -> None:
        super().__init__(said.text, **said.params)

    @property
    def said(self) -> Message:
        """The sentence for people."""
        return Message(text=self.text, params={k: str(v) for k, v in self.params.items()})


class Client:
    """One site. Used by several threads at once."""

    def __init__(self, site: Site) -> None:
        self.gateway = self._gateway = Gateway(site)
        self.state = StateFeed(self._gateway)
        self._site = site
        self._enums: dict[str, list[Row]] = {}
        self.ours = Ours()
        self._boxes: dict[str, Box] = {}

    def close(self) -> None:
        """Close the connections that are kept."""
        self._gateway.close()

    @property
    def host(self) -> str:
        """The name to put in an error."""
        return self._site.host

    # --- inventory ---

    def cameras(self) -> list[Camera]:
        """Give all cameras, disabled ones too, each with the address of its hardware."""
        try:
            self._boxes = read_hardware(self._gateway.rows("hardware?disabled", INVENTORY_S))
        except AdapterError as error:
            # A role may see cameras and not hardware: an address is worth less than the cameras.
            # Where it answered before, a device then switched off is so still.
            log.warning("addresses of cameras are not read: %s", error)
        return read_cameras(self._gateway.rows("cameras?disabled", INVENTORY_S), self._boxes)

    def cameras_named(self, part: str) -> list[Camera]:
        """Give the cameras whose name contains this, without reading the whole inventory."""
        try:
            path = f"cameras?name=contains:'{quote(part, safe='')}'"
            return read_cameras(self._list(path, READ_S))
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
        NoAlarmsError
            The release has none.
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
        try:
            answer = self._ask("POST", "alarms", body)
        except DeclinedError as error:
            raise self._declined("alarms", error) from None
        data = answer.get("data") or answer.get("result")
        identifier = data.get("id") if isinstance(data, Mapping) else None
        if not isinstance(identifier, str | int):
            raise Unreachable("{host} created an alarm and did not say which", host=self._site.host)
        self.ours.wrote(str(identifier), alarms.LEVELS["new"][0])
        return str(identifier)

    def change_alarm(self, alarm: str, body: Mapping[str, Any]) -> bool:
        """Change an alarm; False when there is none of that id."""
        # Noted before it is sent: what is read meanwhile is not somebody else's doing.
        self.ours.wrote(alarm, self._level_in(body))
        try:
            self._gateway.ask("PATCH", f"alarms/{quote(alarm, safe='')}", body)
        except DeclinedError as error:
            # The maker answers either for what is not there; 400 is also a value not understood.
            if error.status == 404 or (error.status == 400 and self.alarm(alarm) is None):
                self.ours.forget(alarm)
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
                self.ours.forget(alarm)
                return
        self.change_alarm(alarm, body)
        self.ours.forget(alarm)

    def find_alarm(self, mark: str, opened_at: datetime) -> str | None:
        """Look for an alarm that bears a mark, and is not older than `opened_at`."""
        for page in self._pages():
            found = alarms.find(page, mark)
            if found:
                self.ours.found(found)
            if found or alarms.past(page, opened_at):
                return found
        return None

    def alarms_since(self, opened_at: datetime) -> Iterator[Row]:
        """List the alarms, as far back as that where their order allows to stop there."""
        for page in self._pages():
            yield from (row for row in page if row.get("id"))
            if alarms.past(page, opened_at):
                return

    def alarm(self, alarm: str) -> Row | None:
        """Give an alarm as it is now, with what was typed into it; None when it is gone."""
        try:
            answer = self._ask("GET", f"alarms/{quote(alarm, safe='')}?include=data")
        except DeclinedError as error:
            if error.status in (400, 404):
                return None
            raise
        data = answer.get("data")
        return {"id": alarm, **data} if isinstance(data, dict) else None

    def history(self, alarm: str) -> list[Row]:
        """List what was done to an alarm; nothing where the release does not say."""
        try:
            return self._list(f"alarms/{quote(alarm, safe='')}/history")
        except DeclinedError:
            return []

    def states(self) -> list[Row]:
        """List the site's alarm states, as last read."""
        return self._enum("alarmStates")

    def is_us(self, name: str) -> bool:
        """Whether the site names our own account: with its domain, or `[BASIC]`, or bare."""

        def bare(each: str) -> str:
            return each.rpartition("\\")[2].partition("@")[0].strip().casefold()

        return bool(name) and bare(name) == bare(self._site.username)

    def _level_in(self, body: Mapping[str, Any]) -> int:
        """Give the level of the state that a change brings; 0: it brings none."""
        return (level_of(body, self.states()) or 0) if "state" in body else 0

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
        missing: tuple[Finding, ...] = ()
        try:
            answer = self._needed("alarmStates")
            self._needed("alarms?page=0&size=1")
        except NoAlarmsError as none:
            answer = self._gateway.ask("GET", "sites")
            missing = (Finding(subject="alarm", well=False, said=none.said),)
        skew_s = _skew_s(answer.headers.get("Date"))
        version = {"version": self._gateway.found().version or "?"}
        detail = Message(text="XProtect {version} answers, alarms included", params=version)
        if missing:
            detail = Message(text="XProtect {version} answers", params=version)
        elif not fallback:
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
        return Health(
            alive=True, clock_skew_s=skew_s, detail=detail,
            findings=(*missing, self._state_finding()),
        )  # fmt: skip

    def _state_finding(self) -> Finding:
        """Say whether the site tells which cameras answer: by trying, the version explaining."""
        subject, release = "state", releases.release_of(self._gateway.found().version) or "?"
        try:
            offered = self.state.offered_now()
        except AdapterError as error:
            return Finding(subject=subject, well=False, said=cause(error))
        if offered:
            said = Message(text="cameras that no longer answer are told")
            return Finding(subject=subject, well=True, said=said)
        expected = releases.offers(self._gateway.found().version, releases.STATE)
        missing = Message(
            text="XProtect {release} does not tell which cameras answer; {since} and later do: a "
            "dead camera may be proposed",
            params={"release": release, "since": releases.STATE.since},
        )
        return Finding(subject=subject, well=expected is False, said=missing)

    def warm(self) -> None:
        """Have token, connection and levels ready; prove that alarms can be made now.

        States come from the Event Server, which keeps the alarms: a gateway that answers while it
        does not would prove nothing.
        """
        try:
            self._enums["alarmStates"] = self._list("alarmStates")
            self._enum("alarmPriorities")
        except NoAlarmsError:
            self._list("sites")

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
        try:
            return list(self._gateway.rows(path, read_s))
        except DeclinedError as error:
            raise self._declined(path, error) from None

    def _declined(self, path: str, error: DeclinedError) -> Refused:
        """Tell a release that has no alarms from an alarm, or a camera, that is not there."""
        version = self._gateway.found().version
        has = releases.offers(version, releases.ALARMS) is not False
        if has or error.status != 404 or not path.startswith("alarm"):
            return error
        return NoAlarmsError(
            Refused(
                "XProtect {release} takes no alarms from programs: {since} or later does",
                release=releases.release_of(version), since=releases.ALARMS.since,
            )
        )  # fmt: skip

    def _needed(self, path: str) -> requests.Response:
        try:
            answer = self._gateway.ask("GET", path)
        except DeclinedError as error:
            if error.status != 403:
                raise self._declined(path, error) from None
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
