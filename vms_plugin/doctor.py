"""Say what is wrong, where, and what to do: the first thing to run on a site."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hooks import AdapterError, Health, Message
from vms_plugin.adapters import Adapter, Adapters, State, odd, why
from vms_plugin.atlas import Atlas
from vms_plugin.host import usurped
from vms_plugin.settings import BadConfigurationError, Settings, read
from vms_plugin.store import Store

#: A large site's inventory takes its time; a person in front of a screen has some.
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, whether it is well, and what there is to say."""

    subject: str
    well: bool
    said: Message


def examine(config: Path) -> Iterator[Finding]:
    """Look at everything, in the order in which a person would mend it."""
    for usurper in usurped():
        yield Finding("environment", False, usurper)
    try:
        settings = read(config)
    except BadConfigurationError as error:
        for fault in error.faults:
            said = Message(
                text="{field} = {value}: {remedy}",
                params={"field": fault.key, "value": repr(fault.value), "remedy": fault.remedy},
            )
            yield Finding(str(config), False, said)
        return
    yield Finding(str(config), True, Message(text="configuration read"))
    yield _database(settings)
    adapters = Adapters.installed(settings.adapters)
    for adapter in adapters:
        yield from _adapter(adapter, adapters)
    yield from _territory(settings)


def _database(settings: Settings) -> Finding:
    subject = str(settings.database)
    try:
        Store(settings.database).close()
    except sqlite3.Error as error:
        cause = {"cause": str(error)}
        return Finding(subject, False, Message(text="cannot be opened: {cause}", params=cause))
    return Finding(subject, True, Message(text="database up to date"))


def _adapter(adapter: Adapter, adapters: Adapters) -> Iterator[Finding]:
    subject = f"adapters.{adapter.name}"
    if adapter.state is State.UNUSED:
        unused = Message(
            text="installed, not in use: no section [adapters.{name}]",
            params={"name": adapter.name},
        )
        yield Finding(subject, True, unused)
        return
    if adapter.state is State.READY and adapter.offers("probe"):
        yield _probe(subject, adapter, adapters)
    elif adapter.state is State.READY:
        yield Finding(subject, True, Message(text="ready"))
    for hook in ("list_feeds", "list_cameras"):
        if adapter.offers(hook):
            with contextlib.suppress(AdapterError):  # noted under the adapter's name
                adapters.ask(adapter.name, hook, deadline_s=PATIENCE_S)
    for hook in sorted(adapter.failures.keys() - {"probe"}):
        failure = adapter.failures[hook]
        failed = Message(text="{hook}: {why}", params={"hook": hook, "why": failure.why})
        yield Finding(subject, False, failed)


def _probe(subject: str, adapter: Adapter, adapters: Adapters) -> Finding:
    try:
        health = adapters.ask(adapter.name, "probe")
    except AdapterError as error:
        return Finding(subject, False, why(error))
    if health is None:
        return Finding(subject, True, Message(text="ready"))
    if not isinstance(health, Health):
        return Finding(subject, False, odd("probe", health, "Health"))
    alive, dead = Message(text="alive"), Message(text="does not answer")
    said = health.detail or (alive if health.alive else dead)
    return Finding(subject, health.alive, said)


def _territory(settings: Settings) -> Iterator[Finding]:
    atlas = Atlas(settings)
    atlas.load()
    notes = atlas.notes()
    for note in notes:
        yield Finding("territory", False, note)
    if not notes:
        count = len(atlas.cameras())
        said = Message(text="territory read, {count} cameras placed", params={"count": count})
        yield Finding("territory", True, said)
