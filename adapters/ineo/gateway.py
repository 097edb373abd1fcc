"""The profile at work: each endpoint with its connection, and each message in its words."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from adapters.ineo import cap, edxl, emsi, own, templates, trial
from adapters.ineo.amqp import Queue, line
from adapters.ineo.arguments import fill
from adapters.ineo.client import Web, reach
from adapters.ineo.delivery import Deliveries
from adapters.ineo.message import Saying
from adapters.ineo.profile import CAP, SOAP, Endpoint, Profile
from adapters.ineo.soap import Soap
from hooks import AdapterError, Envelope, Finding, Malformed, Message, Refused
from hooks.causes import cause
from hooks.reading import read_object

#: Answers not yet heard; a hypervisor that answers nonsense must not fill the memory.
MOST_ANSWERS = 1000
#: What makes an answer a message of the standards, and not the vendor's own "ok".
_MARKS = (b"urn:oasis:names:tc:emergency", b'"distributionID"')


#: Nobody is sent anything: what the feed says is only counted, so that it has identifiers.
_PULLED = Endpoint(name="(feed)", kind=CAP)


class Gateway:
    """Everything a profile asks for, made once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.webs = {
            each.name: Web(each.access) for each in profile.endpoints if each.access is not None
        }
        self._soaps = {
            each.name: Soap(each, self.webs[each.name])
            for each in profile.endpoints
            if each.kind == SOAP and each.name in self.webs
        }
        self.queue = Queue(profile.broker) if profile.broker else None
        caps = [each.name for each in profile.endpoints if each.kind == CAP]
        #: Whose identifiers the Atom feed bears: an alert pulled is the alert that was pushed.
        self.published = caps[0] if caps else _PULLED.name
        endpoints = profile.endpoints if caps else (*profile.endpoints, _PULLED)
        self.deliveries = Deliveries(endpoints, self.send)
        self.answers: queue.Queue[Envelope] = queue.Queue(MOST_ANSWERS)

    def close(self) -> None:
        """Close the connections."""
        for web in self.webs.values():
            web.close()

    # --- out ---

    @contextmanager
    def on_line(self, endpoint: Endpoint) -> Iterator[None]:
        """Let an endpoint be sent to where no feed keeps the broker's connection.

        Raises
        ------
        Unreachable, Refused
        """
        if endpoint.access is not None or self.profile.broker is None:
            yield
            return
        with line(self.profile.broker) as ours:
            before, self.queue = self.queue, ours
            try:
                yield
            finally:
                self.queue = before

    def send(self, endpoint: Endpoint, saying: Saying) -> bytes:
        """Send one message to one endpoint; answer what it answered.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        try:
            return self._send(endpoint, saying)
        except AdapterError as error:
            if isinstance(error, Refused) or not hasattr(error, "field"):
                raise
            raise Refused("{name}: {cause}", name=endpoint.name, cause=cause(error)) from error

    def _send(self, endpoint: Endpoint, saying: Saying) -> bytes:
        if endpoint.kind == SOAP:
            asked = endpoint.operations.get(saying.act)
            if asked is None:
                return b""
            context = templates.context(saying, self.profile.identity, self.profile.codes)
            arguments = fill(asked[1], context, "arguments")
            return self._soaps[endpoint.name].call(asked[0], arguments)
        written = self.write(endpoint, saying) if endpoint is not _PULLED else None
        if written is None:
            return b""
        body, content_type = written
        if endpoint.access is None and self.queue is not None:
            self.queue.send(endpoint, saying.identifier, body, content_type)
            return b""
        answer = self.webs[endpoint.name].send(endpoint, body, content_type)
        self._heard(endpoint, answer)
        return answer

    def check(self, endpoint: Endpoint) -> None:
        """Write what a WSDL asks for, with all known and with nothing known; send nothing.

        Raises
        ------
        NotTaken, Unreachable, Refused
        """
        for act, (operation, arguments) in endpoint.operations.items():
            for sample in trial.samples(act, self.profile.codes):
                filled = fill(arguments, sample, "arguments")
                self._soaps[endpoint.name].check(operation, filled)

    def write(self, endpoint: Endpoint, saying: Saying) -> tuple[bytes, str] | None:
        """Write a message in an endpoint's words, with its media type; None: nothing to say."""
        identity = self.profile.identity
        match endpoint.kind:
            case "cap":
                return cap.write(saying, identity), cap.MEDIA_TYPE
            case "emsi-json":
                body = emsi.event(saying, identity)
                return edxl.write_json(saying, identity, "emsi", body), edxl.JSON_TYPE
            case "emsi-xml":
                body = emsi.event(saying, identity)
                written = edxl.write_xml(saying, identity, "emsi", body, emsi.NAMESPACE)
                return written, edxl.XML_TYPE
        template = endpoint.words.get(saying.act)
        if template is None:
            return None
        context = templates.context(saying, identity, self.profile.codes)
        return templates.render(template, context, endpoint.name).encode(), "application/json"

    def _heard(self, endpoint: Endpoint, answer: bytes) -> None:
        """Keep an acknowledgement that came as the answer, for the feed to tell."""
        if self._tells(answer) and not self.answers.full():
            self.answers.put_nowait(
                Envelope(adapter="ineo", body=answer, received_at=datetime.now(UTC),
                         channel="answer", sender=self.webs[endpoint.name].host)
            )  # fmt: skip

    def _tells(self, answer: bytes) -> bool:
        """Whether an answer is a message of the standards, or one that the profile knows."""
        if any(mark in answer for mark in _MARKS):
            return True
        if not self.profile.rules:
            return False
        try:
            return own.knows(read_object(answer, []), self.profile.rules)
        except Malformed:  # the vendor's own "ok"
            return False

    # --- is it there ---

    async def reach(self) -> None:
        """Open a connection to each server; raise what the first one lacks."""
        await asyncio.gather(*(reach(web.access) for web in self.webs.values()))

    def probe(self) -> list[Finding]:
        """Say of each server whether it can be reached."""
        accesses = {name: web.access for name, web in self.webs.items()}
        if self.profile.broker is not None:
            accesses["amqp"] = self.profile.broker.access

        async def all_of_them() -> list[BaseException | None]:
            tried = (reach(access) for access in accesses.values())
            return await asyncio.gather(*tried, return_exceptions=True)

        results = asyncio.run(all_of_them())
        well = Message(text="it can be reached")
        return [
            Finding(subject=name, well=error is None, said=well if error is None else _said(error))
            for name, error in zip(accesses, results, strict=True)
        ]


def _said(error: BaseException) -> Message:
    if isinstance(error, AdapterError):
        return cause(error)
    return Message(text="it failed: {cause}", params={"cause": cause(error)})
