"""Call the operations of an integrator's WSDL, by zeep. It waits.

zeep writes what is asked, by the schema of the WSDL. What is answered is judged here: a vendor
whose answers do not fit his own WSDL has our message all the same, and is not sent it each minute.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from adapters.ineo.arguments import without_holes
from adapters.ineo.client import NotTaken, Web, bounded
from adapters.ineo.profile import Endpoint
from adapters.ineo.shape import local
from hooks import Refused, Unreachable
from hooks.causes import cause


class Soap:
    """The operations of one WSDL. zeep reads it once, when it is first needed."""

    def __init__(self, endpoint: Endpoint, web: Web) -> None:
        self._endpoint, self._web = endpoint, web
        self._proxy: Any = None
        self._making = threading.Lock()

    def call(self, operation: str, arguments: Mapping[str, Any]) -> bytes:
        """Call an operation; answer the body of the answer.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        answer = self._asked(operation, arguments, lambda proxy: getattr(proxy, operation))
        self._judge(answer)
        body: bytes = answer.content
        return body

    def check(self, operation: str, arguments: Mapping[str, Any]) -> None:
        """Write a call and send nothing, to find what the WSDL cannot do without.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        self._asked(operation, arguments, lambda proxy: self._writer(proxy, operation))

    def _asked(
        self, operation: str, arguments: Mapping[str, Any], how: Callable[[Any], Any]
    ) -> Any:
        from zeep.exceptions import Error, ValidationError  # noqa: PLC0415

        endpoint = self._endpoint
        try:
            proxy = self._ready()
            asked = how(proxy)
            try:
                return asked(**arguments)
            except ValidationError:  # nothing was sent: what is missing may be a table's fault
                rpc = proxy._binding.get(operation).style == "rpc"
                return asked(**without_holes(arguments, parts=rpc))
        except requests.RequestException as error:
            raise self._web.failed(endpoint.name, error) from error
        except (Error, AttributeError, TypeError, ValueError, SyntaxError, OSError) as error:
            raise Refused(
                "{name}: the WSDL and the operation {operation} do not agree: {cause}",
                name=endpoint.name, operation=operation, cause=cause(error),
            ) from error  # fmt: skip

    @staticmethod
    def _writer(proxy: Any, operation: str) -> Callable[..., Any]:
        return partial(proxy._client.create_message, proxy, operation)

    def _judge(self, answer: requests.Response) -> None:
        """Raise a Fault, or what the status means; else it was taken, whatever the rest says."""
        body = answer.content
        envelope = _envelope(body)
        fault = None if envelope is None else _fault(envelope)
        if fault is not None:
            _blame(self._endpoint.name, *fault)
        self._web.judge(self._endpoint, answer, body)
        if envelope is None and body.strip():
            raise Refused(
                "{name}: {host} does not answer in SOAP: {said}", name=self._endpoint.name,
                host=self._web.host, said=body[:120].decode("utf-8", "replace").strip(),
            )  # fmt: skip

    def _ready(self) -> Any:
        from zeep import Client, Settings  # noqa: PLC0415  (brings in lxml: half a second)

        with self._making:
            if self._proxy is None:
                # Without DTD nothing can be slipped in; what a WSDL imports is its own (WCF gives
                # each schema at an address of its own), and `_transport` fetches it.
                safe = Settings(
                    strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=False,
                    xml_huge_tree=False, raw_response=True,
                )  # fmt: skip
                made: Any = Client
                try:
                    client = made(
                        self._endpoint.wsdl, transport=_transport(self._web), settings=safe
                    )
                except requests.RequestException as error:
                    raise NotTaken(
                        "{name}: the WSDL {wsdl} cannot be read: {cause}",
                        name=self._endpoint.name, wsdl=self._endpoint.wsdl,
                        cause=cause(error),
                    ) from error  # fmt: skip
                bound = client.bind(self._endpoint.service or None, self._endpoint.port or None)
                if self._web.access.url:
                    bound = client.create_service(bound._binding.name, self._web.access.url)
                self._proxy = bound
        return self._proxy


def _envelope(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root if local(root) == "Envelope" else None


def _fault(envelope: Element) -> tuple[str, str] | None:
    """Find the code and the words of a Fault, of SOAP 1.1 or 1.2; None: there is none."""
    found = [
        each for body in envelope if local(body) == "Body" for each in body
        if local(each) == "Fault"
    ]  # fmt: skip
    if not found:
        return None

    def said(*names: str) -> str:
        texts = (each.text for each in found[0].iter() if local(each) in names)
        return next(((text or "").strip() for text in texts), "")

    return said("faultcode", "Value"), said("faultstring", "Text")


def _blame(name: str, code: str, message: str) -> None:
    """Tell whose fault a SOAP Fault is: `Client` (1.1) and `Sender` (1.2) mean that it is ours."""
    whose = code.rpartition(":")[2].partition(".")[0]
    params: dict[str, Any] = {"name": name, "code": code, "said": message[:200]}
    if whose in ("Client", "Sender"):
        raise Refused("{name}: SOAP fault {code}: {said}", **params)
    raise Unreachable("{name}: SOAP fault {code}: {said}", **params)


def _transport(web: Web) -> Any:
    """Give zeep our session, with its deadline, and no answer without an end."""
    from zeep.transports import Transport  # noqa: PLC0415

    base: Any = Transport

    class Bounded(base):  # type: ignore[misc]
        def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> Any:
            answer = web.session.post(
                address, data=message, headers=dict(headers), stream=True, allow_redirects=False,
                timeout=(min(3.0, web.access.timeout_s), web.access.timeout_s),
            )  # fmt: skip
            with answer:
                answer._content = bounded(answer, web.access.timeout_s)
            return answer

        def load(self, url: str) -> Any:
            if urlsplit(url).scheme == "file":  # no import of another server reads our disk
                raise ValueError(f"{url}: a WSDL imports no file by such an address")
            return super().load(url)

        def _load_remote_data(self, url: str) -> Any:
            """Read a part of a WSDL; another server's is asked for without our token."""
            if _origin(url) == _origin(web.access.url):
                return super()._load_remote_data(url)
            with requests.Session() as plain:
                plain.trust_env, plain.verify = False, web.session.verify
                answer = plain.get(url, timeout=web.access.timeout_s)
                answer.raise_for_status()
                return answer.content

    return Bounded(
        session=web.session, timeout=web.access.timeout_s,
        operation_timeout=web.access.timeout_s,
    )  # fmt: skip


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
