"""Somebody to reach by message: the contact on call, and crews on their phones.

One HTTP gateway (text messages, mail, a town's own dispatcher) is asked; see README.md beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hooks import CONTRACT, AdapterInfo, BadSettings, Notice, Order, hookimpl
from hooks.section import Section

if TYPE_CHECKING:
    from adapters.contact.client import Gateway


class Contact:
    """The adapter."""

    def __init__(self) -> None:
        self._gateway: Gateway | None = None
        self._on_call: tuple[str, ...] = ()
        self._crews: dict[str, str] = {}

    @hookimpl
    def describe(self) -> AdapterInfo:
        """Say who it is."""
        return AdapterInfo(name="contact", brand="Message gateway", contract=CONTRACT)

    @hookimpl
    def configure(self, settings: Mapping[str, Any]) -> None:
        """Read the section: the gateway, who is on call, the crews' numbers."""
        from adapters.contact.client import Gateway  # noqa: PLC0415  (requests, only where used)

        section = Section(settings)
        url, token = section.url("url"), section.text("token", "")
        if urlsplit(url).scheme == "http" and not _is_here(urlsplit(url).hostname or ""):
            raise BadSettings("url", url, "write https://: messages carry places and links")
        self._on_call = section.texts("to", ())
        self._crews = section.table("crews")
        self._gateway = Gateway(url, token, str(section.file("ca") or "") or True)
        section.end()
        if not self._on_call and not self._crews:
            raise BadSettings("to", None, "write who is on call, or the crews' numbers")

    @hookimpl
    def notify(self, notice: Notice) -> bool | None:
        """Tell whoever is on call; None where nobody is."""
        if self._gateway is None or not self._on_call:
            return None
        return self._gateway.send(
            notice.id, self._on_call, f"{notice.title}\n{notice.text}".strip()
        )

    @hookimpl
    def engage(self, order: Order) -> bool | None:
        """Send a crew its order, with the link of its own page."""
        return self._tell(order)

    @hookimpl
    def release(self, order: Order) -> bool | None:
        """Tell a crew that it is called back."""
        return self._tell(order)

    def _tell(self, order: Order) -> bool | None:
        number = self._crews.get(order.crew)
        if self._gateway is None or number is None:
            return None
        return self._gateway.send(order.id, (number,), f"{order.text} {order.link}".strip())


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
