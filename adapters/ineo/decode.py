"""Whatever a hypervisor sends: CAP, EMSI, GEO-POS, in JSON or XML, to facts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.ineo import cap, edxl, fixes, own
from adapters.ineo.identity import Crews, Identity
from adapters.ineo.reading import is_xml, read_xml
from adapters.ineo.shape import local
from hooks import Envelope, Fact, Malformed
from hooks.reading import Faults, read_object, tell


def decode_message(
    envelope: Envelope, identity: Identity | None, crews: Crews, rules: tuple[own.Rule, ...] = ()
) -> Iterator[Fact]:
    """Read a message by what it is, not by how it came.

    Raises
    ------
    Malformed
        It is none of the messages read here, or something in it is wrong: every field is named.
        What was right in a list of positions has been told before.
    """
    faults: Faults = []
    if is_xml(envelope.body):
        root = read_xml(envelope.body)
        if local(root) == "alert":
            yield from cap.read(root, envelope, identity)
            return
        found = list(edxl.contents_xml(root, faults))
    else:
        message = read_object(envelope.body, faults)
        if own.knows(message, rules):
            yield from own.read(message, rules, envelope)
            tell(faults)
            return
        if rules and not edxl.knows(message):
            raise Malformed("message", own.said(message, rules),
                            "no [[receive]] of the profile fits it: correct its match")  # fmt: skip
        found = list(edxl.contents(message, faults))
    for content in found:
        yield from fixes.read(content, envelope, crews, faults)
    tell(faults)
