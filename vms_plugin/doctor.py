"""Say what is wrong, where, and what to do: the first thing to run on a site."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from hooks import AdapterError, Finding, Health, Message
from hooks.causes import cause
from vms_plugin.adapters import Adapter, Adapters, State, odd, why
from vms_plugin.atlas import Atlas
from vms_plugin.host import usurped
from vms_plugin.recordings import checks as recordings
from vms_plugin.settings import BadConfigurationError, Settings, read
from vms_plugin.store import Store

#: A large site's inventory takes its time; a person in front of a screen has some.
PATIENCE_S = 30.0
#: Everything is asked once, and a large site gathers its state in minutes.
DISCOVERY_S = 900.0


def examine(config: Path) -> Iterator[Finding]:
    """Look at everything, in the order in which a person would mend it."""
    for usurper in usurped():
        yield Finding(subject="environment", well=False, said=usurper)
    try:
        settings = read(config)
    except BadConfigurationError as error:
        for fault in error.faults:
            said = Message(
                text="{field} = {value}: {remedy}",
                params={"field": fault.key, "value": repr(fault.value), "remedy": fault.remedy},
            )
            yield Finding(subject=str(config), well=False, said=said)
        return
    yield Finding(subject=str(config), well=True, said=Message(text="configuration read"))
    yield _database(settings)
    adapters = Adapters.installed(settings.adapters)
    if settings.adapters.keys().isdisjoint(adapters.offering("decode")):
        alone = Message(text="no officer's camera is connected: see [adapters.axis]")
        yield Finding(subject="adapters", well=False, said=alone)
    for adapter in adapters:
        yield from _adapter(adapter, adapters)
    with contextlib.suppress(sqlite3.Error):  # said above
        yield from recordings.examine(settings, adapters)
    yield from _territory(settings, adapters)


def discover(config: Path, folder: Path) -> Iterator[Finding]:
    """Write what the other sides answer, scrubbed by their adapters, under a folder."""
    adapters = Adapters.installed(read(config).adapters)
    for name in adapters.offering("discover"):
        try:
            found = adapters.ask(name, "discover", deadline_s=DISCOVERY_S)
        except AdapterError as error:
            yield Finding(subject=f"adapters.{name}", well=False, said=why(error))
            continue
        if not isinstance(found, Mapping):
            continue
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for file, text in sorted(found.items()):
            (place / Path(str(file)).name).write_text(str(text), encoding="utf-8")
        written = Message(
            text="{count} files written: read them before you send them to anybody",
            params={"count": len(found)},
        )
        yield Finding(subject=str(place), well=True, said=written)


def _database(settings: Settings) -> Finding:
    subject = str(settings.database)
    try:
        Store(settings.database).close()
    except sqlite3.Error as error:
        shut = Message(text="cannot be opened: {cause}", params={"cause": cause(error)})
        return Finding(subject=subject, well=False, said=shut)
    return Finding(subject=subject, well=True, said=Message(text="database up to date"))


def _adapter(adapter: Adapter, adapters: Adapters) -> Iterator[Finding]:
    subject = f"adapters.{adapter.name}"
    if adapter.state is State.UNUSED:
        unused = Message(
            text="installed, not in use: no section [adapters.{name}]",
            params={"name": adapter.name},
        )
        yield Finding(subject=subject, well=True, said=unused)
        return
    if adapter.state is State.READY and adapter.offers("probe"):
        yield from _probe(subject, adapter, adapters)
    elif adapter.state is State.READY:
        yield Finding(subject=subject, well=True, said=Message(text="ready"))
    for hook in ("list_feeds", "list_cameras"):
        if adapter.offers(hook):
            with contextlib.suppress(AdapterError):  # noted under the adapter's name
                adapters.ask(adapter.name, hook, deadline_s=PATIENCE_S)
    for hook in sorted(adapter.failures.keys() - {"probe"}):
        failure = adapter.failures[hook]
        failed = Message(text="{hook}: {why}", params={"hook": hook, "why": failure.why})
        yield Finding(subject=subject, well=False, said=failed)


def _probe(subject: str, adapter: Adapter, adapters: Adapters) -> Iterator[Finding]:
    try:
        health = adapters.ask(adapter.name, "probe", deadline_s=PATIENCE_S)
    except AdapterError as error:
        yield Finding(subject=subject, well=False, said=why(error))
        return
    if health is None:
        yield Finding(subject=subject, well=True, said=Message(text="ready"))
    elif not isinstance(health, Health):
        yield Finding(subject=subject, well=False, said=odd("probe", health, "Health"))
    else:
        alive, dead = Message(text="alive"), Message(text="does not answer")
        said = health.detail or (alive if health.alive else dead)
        yield Finding(subject=subject, well=health.alive, said=said)
        for each in health.findings:
            yield replace(each, subject=f"{subject}: {each.subject}")


def _territory(settings: Settings, adapters: Adapters) -> Iterator[Finding]:
    atlas = Atlas(settings)
    atlas.load()
    notes = atlas.notes()
    for note in notes:
        yield Finding(subject="territory", well=False, said=note)
    count = len(atlas.cameras())
    if not count and not adapters.offering("list_cameras"):
        blind = Message(
            text="no camera of the town is known: give its layers in [territory], or the VMS"
        )
        yield Finding(subject="territory", well=False, said=blind)
    elif not notes:
        said = Message(text="territory read, {count} cameras placed", params={"count": count})
        yield Finding(subject="territory", well=True, said=said)
