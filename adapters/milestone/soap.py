"""The management server's SOAP, for what its REST lacks: Matrix, and events before 2023 R2."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hooks import Refused, Unreachable
from hooks.causes import cause

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import requests

    from adapters.milestone.gateway import Gateway

NAMESPACE = "http://videoos.net/2/XProtectCSServerCommand"
PORT = "/ManagementServer/ServerCommandServiceOAuth.svc"
BINDING = "{" + NAMESPACE + "}OAuth"
#: A token of the SOAP world is renewed that long before its end, and lives that long if none is
#: said.
MARGIN, LIFE = timedelta(seconds=30), timedelta(hours=1)
READ_S = 4.0


class Soap:
    """The few operations of ServerCommandService that we need. Blocks; one call at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._service: Any = None
        self._session: Any = None
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        self._instance = str(uuid4())

    def close(self) -> None:
        """Close the connection that is kept."""
        if self._session is not None:
            self._session.close()

    def configuration(self) -> Element:
        """Read the site's configuration."""
        return self._asked("GetConfiguration")

    def activate(self, monitor: str, camera: str) -> None:
        """Show a camera on a Matrix recipient."""
        self._asked("MatrixMonitorActivateCamera", matrixMonitorId=monitor, deviceId=camera)

    def trigger(self, event: str) -> None:
        """Let a user-defined event happen."""
        self._asked("EventTrigger", eventId=event)

    def _asked(self, operation: str, **arguments: str) -> Element:
        """Ask with a token; one that was held may be forgotten by a server that restarted."""
        held = datetime.now(UTC) < self._until
        try:
            return self._call(operation, token=self._login(), **arguments)
        except Refused:
            if not held:
                raise
        return self._call(operation, token=self._login(), **arguments)

    def _login(self) -> str:
        """Give the token of the SOAP world, renewed before its end."""
        now = datetime.now(UTC)
        if now < self._until:
            return self._token
        said = self._call("Login", instanceId=self._instance, currentToken=self._token)
        token: str | None = said.findtext(".//{*}Token")
        if not token:
            raise Unreachable("{host} gives no token that can be used",
                              host=self._gateway.site.host)  # fmt: skip
        life = said.findtext(".//{*}TimeToLive/{*}MicroSeconds")
        lives = timedelta(microseconds=int(life)) if life and life.isdecimal() else LIFE
        self._token, self._until = token, now + max(lives - MARGIN, lives / 2)
        return token

    def _call(self, operation: str, **arguments: str) -> Element:
        import requests  # noqa: PLC0415
        from zeep.exceptions import Error  # noqa: PLC0415

        host = self._gateway.site.host
        with self._lock:
            try:
                service, token = self._opened(), self._gateway.token()
                self._session.headers["Authorization"] = f"Bearer {token}"
                answer = service[operation](**arguments)
                if answer.status_code == 401:  # lapsed, or forgotten by a provider that restarted
                    token = self._gateway.token(spoiled=token)
                    self._session.headers["Authorization"] = f"Bearer {token}"
                    answer = service[operation](**arguments)
            except (requests.RequestException, Error) as error:
                raise Unreachable(
                    "{host} does not answer: {cause}", host=host, cause=cause(error)
                ) from error
        return self._read(operation, answer)

    def _read(self, operation: str, answer: requests.Response) -> Element:
        """Read an answer: a fault is the site's own words; a page of a proxy is no answer."""
        from defusedxml import DefusedXmlException  # noqa: PLC0415
        from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

        host, status = self._gateway.site.host, answer.status_code
        try:
            root: Element = fromstring(answer.content)
        except (ParseError, DefusedXmlException) as error:
            if status in (401, 403):
                raise Refused("XProtect refuses {operation}: {why}", operation=operation,
                              why=str(status)) from error  # fmt: skip
            raise _not_soap(host, status) from error
        fault = root.findtext(".//faultstring") or root.findtext(".//{*}Reason/{*}Text")
        if fault or status != 200:
            self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        if fault:
            raise Refused("XProtect refuses {operation}: {why}", operation=operation,
                          why=fault[:200])  # fmt: skip
        if status != 200:
            raise _not_soap(host, status)
        return root

    def _opened(self) -> Any:
        """Make the client ready at its first use: zeep takes half a second to import."""
        if self._service is None:
            from adapters.milestone import tls  # noqa: PLC0415

            zeep: Any = import_module("zeep")  # it has no types of its own
            self._session = tls.session(self._gateway.site)
            transport = zeep.Transport(
                session=self._session, timeout=READ_S, operation_timeout=READ_S
            )
            wsdl = str(files("adapters.milestone").joinpath("ServerCommandService.wsdl"))
            raw = zeep.Settings(raw_response=True, strict=False)
            client = zeep.Client(wsdl, transport=transport, settings=raw)
            address = self._gateway.found().management + PORT
            self._service = client.create_service(BINDING, address)
        return self._service


def _not_soap(host: str, status: int) -> Unreachable:
    return Unreachable("{host} answers {status} to {path}, and not in SOAP",
                       host=host, status=status, path=PORT)  # fmt: skip
