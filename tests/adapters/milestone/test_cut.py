"""The host dies, or the line is cut, at any request of an incident's life: all is right again.

Nothing is doubled, nothing is left behind, everything is given back, with a restart and a second
incident before the first one is taken up again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from adapters.milestone import ladder, matrix
from adapters.milestone.simulator import wall
from hooks import AdapterError, DeviceId, IncidentId, Picture, Receipt
from tests.adapters.milestone.conftest import Running, Start
from tests.adapters.milestone.showing import SERIAL, adapter_on, closed, seen_by

RUNGS: dict[str, object] = {
    "wall": ["Écran 1", "Écran 2"], "matrix": ["Poste 1"], "view": "CRISE 1",
    "event_open": "Renfort", "event_closed": "Fin", "evidence_lock_days": 7,
    "wall_preset": "Veille", "wall_preset_after": "Veille",
}  # fmt: skip


class Killed(BaseException):
    """The host dies: nothing of it runs any more, not even what handles errors."""


@dataclass
class Line:
    """The line to the site; it breaks at one request, before it is done or after."""

    at: int = 0  #: the request that breaks it; 0: none
    done: bool = False
    kill: bool = False
    sent: list[str] = field(default_factory=list)
    cut: bool = False

    def carry(self, request: requests.PreparedRequest, send: Callable[[], Any]) -> Any:
        if self.cut:
            raise requests.ConnectionError("cut")
        self.sent.append(f"{request.method} {request.path_url}")
        if len(self.sent) != self.at:
            return send()
        if self.done:
            send()
        self.cut = True
        raise Killed if self.kill else requests.ConnectionError("cut")


class Host:
    """What the host does with an adapter: keeps its receipts, restarts, asks again."""

    def __init__(self, site: Running, line: Line) -> None:
        self._site, self._line = site, line
        self._kept: dict[IncidentId, Receipt] = {}
        self._asked = set[IncidentId]()
        self.adapter = adapter_on(site, **RUNGS)

    def restart(self) -> None:
        self.adapter.close()
        self.adapter = adapter_on(self._site, **RUNGS)
        if self._kept:
            self.adapter.recall(dict(self._kept))

    def ask(self, hook: str, picture: Picture) -> bool:
        """Call once; whether nothing more is to be asked."""
        incident = picture.incident
        receipt, repeated = self._kept.get(incident), incident in self._asked
        self._asked.add(incident)

        def keep(said: Receipt) -> None:
            self._kept[incident] = said

        with suppress(AdapterError):
            said = getattr(self.adapter, hook)(picture, receipt, repeated, keep)
            if said is not None:
                self._kept[incident] = said
            return said is None or said.missing is None
        return False

    def see_to(self, hook: str, picture: Picture, most: int = 4) -> bool:
        return any(self.ask(hook, picture) for _ in range(most))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line, send = Line(), HTTPAdapter.send

    def carried(self: HTTPAdapter, request: requests.PreparedRequest, **how: Any) -> Any:
        return line.carry(request, lambda: send(self, request, **how))

    monkeypatch.setattr(HTTPAdapter, "send", carried)
    monkeypatch.setattr(ladder, "PATIENCE_S", (0.0,))
    monkeypatch.setattr(ladder, "REFUSED_S", 0.0)
    monkeypatch.setattr(matrix, "LEAST_S", 0.0)
    monkeypatch.setattr(matrix, "APART_S", 0.0)
    return line


@pytest.fixture
def site(xprotect: Start) -> Running:
    running = xprotect("--bodyworn", f"{SERIAL}=PM-214", "--analytics-port", "0")
    running.order("task", lasts_s=0)
    running.rest("POST", "userDefinedEvents", json={"name": "Fin"}).raise_for_status()
    return running


def shown(site: Running) -> tuple[Any, Any]:
    """Say what the wall and the shared view show."""
    kept = site.simulator.site
    screens = {
        each.id: [what for _, what in wall.screen_of(kept, each.id).cells]
        for each in kept.shelf.of("monitors")
    }
    return screens, {each.id: each.fields.get("viewItems") for each in kept.shelf.of("views")}


def left_by(site: Running, incidents: dict[IncidentId, Picture]) -> list[str]:
    """List what is doubled, open or left behind."""
    kept, found = site.simulator.site, list[str]()
    marks = Counter(
        (each.fields["reference"], each.fields["devicePath"]["id"])
        for each in kept.shelf.of("bookmarks")
    )
    found += [f"bookmark {mark} {count} times" for mark, count in marks.items() if count > 1]
    locks = Counter(each.fields["reference"] for each in kept.shelf.of("evidenceLocks"))
    alarms = Counter(
        (str(each.fields["message"]).rpartition(" ")[2], each.fields["state"]["name"])
        for each in kept.alarms.values()
    )
    for incident, last in incidents.items():
        mark = f"[renfort:{incident}]"
        end = f"{last.ended_at:%Y-%m-%dT%H:%M:%S}"
        found += [f"bookmark of {incident} open" for each in kept.shelf.of("bookmarks")
                  if each.fields["reference"] == mark
                  and not each.fields["timeEnd"].startswith(end)]  # fmt: skip
        if not any(one == mark for one, _ in marks):
            found.append(f"no bookmark of {incident}")
        if locks[mark] != 1:
            found.append(f"{locks[mark]} locks of {incident}")
        said = {state: count for (one, state), count in alarms.items() if one == mark}
        if said != {"Closed": 1}:
            found.append(f"alarms of {incident}: {said}")
    return found


def events(site: Running) -> Counter[str]:
    """Count the user-defined events, by name."""
    kept = site.simulator.site
    return Counter(
        kept.defined[each["type"]] for each in kept.events.values() if each["type"] in kept.defined
    )


def live(host: Host, line: Line, number: int) -> dict[IncidentId, Picture]:
    """Live through an incident; where the line breaks, restart, and live through another."""
    one, two, three, *_ = host._site.ready["cameras"]
    first, other = IncidentId(f"axis:{number}"), IncidentId(f"axis:{number}b")
    pressed = seen_by([one, two], incident=first)
    moved = seen_by([two, three], incident=first, version=2)
    over = replace(closed(moved), ended_at=moved.opened_at + timedelta(minutes=5))
    second = seen_by([three], incident=other, device=DeviceId("axis:B8A44F00A009"))
    second_over = replace(closed(second), ended_at=second.opened_at + timedelta(minutes=6))
    lived = {first: over}
    for hook, picture in (("show", pressed), ("show", moved), ("withdraw", over)):
        with suppress(Killed):
            host.ask(hook, picture)
        if line.cut:
            line.at, line.cut = 0, False
            host.restart()
            host.see_to("show", second)
            lived[other] = second_over
            host.see_to(hook, picture)
    for last in lived.values():
        assert host.see_to("withdraw", last)
    return lived


@pytest.mark.parametrize(
    ("kill", "moments"),
    [(True, (False, True)), (False, (True,))],
    ids=["the host dies before or after it", "the answer is lost, then the host is restarted"],
)
def test_at_any_request_nothing_is_doubled_and_everything_is_given_back(
    site: Running, line: Line, kill: bool, moments: tuple[bool, ...]
) -> None:
    before, wrong = shown(site), list[str]()
    live(Host(site, line), line, 0)
    whole = list(line.sent)
    for number, sent in enumerate(whole, start=1):
        if sent.startswith("GET"):
            continue  # it changes nothing, so it is as if the one before were cut off when done
        for done in moments:
            told = events(site)
            line.at, line.done, line.kill, line.sent, line.cut = number, done, kill, [], False
            host = Host(site, line)
            lived = live(host, line, 2 * number + done)
            found = left_by(site, lived)
            found += ["wall or view not given back"] if shown(site) != before else []
            found += [f"held {held}"] if (held := host.adapter._desk._wall._held) else []
            # An event whose answer is lost may have been taken: it is told again, rather than not.
            again = done and sent.endswith("/events")
            more = events(site) - told
            most = len(lived) + again
            if not all(len(lived) <= more[name] <= most for name in ("Renfort", "Fin")):
                found.append(f"events {dict(more)} of {len(lived)}")
            wrong += [f"{number} {'after' if done else 'before'} {sent[:60]}: {each}"
                      for each in found]  # fmt: skip
            host.adapter.close()

    assert sum(not each.startswith("GET") for each in whole) > 20
    assert wrong == []
