"""A panic button and a bell: the smallest adapter that is a source and a place to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import requests

from hooks import (
    CONTRACT,
    Activation,
    ActivationId,
    AdapterInfo,
    DeviceId,
    Envelope,
    Fact,
    FactId,
    Malformed,
    Picture,
    Position,
    Receipt,
    Unreachable,
    hookimpl,
)
from hooks.section import Section


class Bell:
    """See README.md beside."""

    def __init__(self) -> None:
        self._url = ""

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="bell", brand="Town hall bell", contract=CONTRACT, version="1.0")

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read where the bell is; without one it is a source alone."""
        section = Section(settings)
        self._url = section.url("url", "http", "https", default="")
        section.end()

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterable[Fact]:
        """Read `PRESS <id> <lon> <lat>`."""
        words = envelope.body.decode("ascii", "replace").split()
        if len(words) != 4 or words[0] != "PRESS":
            raise Malformed("message", envelope.body[:80], "write PRESS <id> <lon> <lat>")
        try:
            place = Position(lon=float(words[2]), lat=float(words[3]), source="wall")
        except ValueError as error:
            raise Malformed("lon, lat", words[2:], "write degrees WGS 84") from error
        yield Activation(
            id=FactId(f"bell:{words[1]}"),
            at=envelope.received_at,
            activation=ActivationId(f"bell:{words[1]}"),
            device=DeviceId("bell:wall"),
            position=place,
        )

    @hookimpl
    def show(self, picture: Picture, receipt: Receipt | None) -> Receipt | None:
        """Ring once for each incident, whatever its later versions."""
        if self._url and receipt is None:
            self._tell("ring", picture.title)
        return Receipt(data="rung")

    @hookimpl
    def withdraw(self, picture: Picture, receipt: Receipt | None) -> Receipt | None:
        """Let the bell rest."""
        if self._url:
            self._tell("rest", picture.outcome)
        return receipt

    def _tell(self, what: str, text: str) -> None:
        try:
            requests.post(f"{self._url}/{what}", data=text.encode(), timeout=5).raise_for_status()
        except requests.RequestException as error:
            raise Unreachable(
                "{url} does not answer: {cause}", url=self._url, cause=str(error)
            ) from error
