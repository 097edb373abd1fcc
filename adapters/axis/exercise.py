"""A marked press for the daily proof: by whoever can press a spare camera, else by our own inlet.

No Axis interface presses a button. A site that has a program to do so (with the simulator, its
controls) gives its address: `exercise_url`, `exercise_serial`. Without one, the bytes of a
companion's own message are given, and the proof then begins at our inlet, which is said.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hooks import (
    Activation,
    ActivationId,
    Envelope,
    Exercise,
    Fact,
    Position,
    Refused,
    Unreachable,
)

ANSWER_S = 10.0


class Drill:
    """Presses, and remembers what it pressed until it is over."""

    def __init__(self, url: str, serial: str, ca: str | bool) -> None:
        self._url, self._ca = url.rstrip("/"), ca
        self.serial = serial
        self._device = ""  #: while a drill is on: its camera's presses are ours
        self._sessions: set[str] = set()

    def begin(self, mark: str, place: Position | None) -> Exercise:
        """Have the spare camera pressed; without a program to do so, give the message to hear."""
        if not self._url:
            return self._message(mark, place)
        # Marked before it is asked: the event may come before the answer.
        self._device = f"axis:{self.serial}"
        order: dict[str, Any] = {"serial": self.serial}
        if place is not None:
            order |= {"lon": place.lon, "lat": place.lat, "eph": place.accuracy_m or 10}
        session = str(self._ask("press", order).get("sessionId") or "")
        if not session:
            raise Refused("{url} pressed nothing: it gave no sessionId", url=self._url)
        self._sessions.add(session)
        return Exercise(activation=ActivationId(f"axis:{session}"))

    def end(self, mark: str) -> Exercise | None:
        """Let the spare camera stop; nothing is to be heard of it besides."""
        del mark
        if self._url:
            try:
                self._ask("release", {"serial": self.serial})
            finally:
                self._device = ""
        return None

    def marked(self, fact: Fact) -> bool:
        """Whether a press is ours: by the spare camera while the drill is on, or its session."""
        if not isinstance(fact, Activation):
            return False
        ours = fact.activation.partition(":")[2] in self._sessions
        return ours or (bool(self._device) and fact.device == self._device)

    def _message(self, mark: str, place: Position | None) -> Exercise:
        now = datetime.now(UTC)
        body: dict[str, Any] = {
            "renfort_bridge": 1, "type": "stream.active", "id": f"exercise-{mark}",
            "at": now.isoformat(), "camera_serial": self.serial or "EXERCICE",
            "session_id": f"exercise-{mark}", "exercise": True, "trigger": "button",
        }  # fmt: skip
        if place is not None:
            body["position"] = {"lon": place.lon, "lat": place.lat,
                                "accuracy_m": place.accuracy_m or 10}  # fmt: skip
        envelope = Envelope(
            adapter="axis", body=json.dumps(body).encode(), received_at=now, channel="intake",
            sender="exercise",
        )  # fmt: skip
        return Exercise(activation=ActivationId(f"axis:exercise-{mark}"), envelope=envelope)

    def _ask(self, what: str, order: dict[str, Any]) -> dict[str, Any]:
        import requests  # noqa: PLC0415  (only where it is used)

        try:
            answer = requests.post(
                f"{self._url}/{what}", json=order, verify=self._ca, timeout=ANSWER_S
            )
        except requests.RequestException as error:
            raise Unreachable("{url} does not answer", url=self._url) from error
        if not answer.ok:
            raise Refused("{url} answers {status}", url=self._url, status=answer.status_code)
        try:
            told = answer.json()
        except ValueError:
            told = {}
        return told if isinstance(told, dict) else {}
