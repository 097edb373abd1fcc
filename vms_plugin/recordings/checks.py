"""What `renfort doctor` says of the archive: whether it can be written, has room, is emptied."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

from hooks import Finding, Message
from hooks.causes import cause
from vms_plugin.adapters import Adapters
from vms_plugin.recordings import open_archive
from vms_plugin.recordings.archive import Archive
from vms_plugin.recordings.files import new_name
from vms_plugin.recordings.inlets import inlets_of, shut
from vms_plugin.settings import Settings
from vms_plugin.store import Store


def examine(settings: Settings, adapters: Adapters) -> Iterator[Finding]:
    """Look at the inlets and at the archive; silent on a site that receives no recordings."""
    store = Store(settings.database)
    try:
        archive = open_archive(settings, store)
        open_here = False
        for name in adapters.offering("list_inlets"):
            for inlet in inlets_of(adapters, name, archive):
                open_here = True
                why = shut(inlet, settings)
                ready = Message(text="opens at port {port}", params={"port": inlet.port})
                subject = f"adapters.{name}: {inlet.name}"
                yield Finding(subject=subject, well=why is None, said=why or ready)
        overdue = asyncio.run(_kept_too_long(archive))
        if overdue:
            late = Message(
                text="{count} recordings are past their month: they are destroyed while Renfort "
                "runs, see its log if it does",
                params={"count": overdue},
            )
            yield Finding(subject="recordings", well=False, said=late)
        if open_here:
            yield _room(archive, settings)
            yield from strangers(archive, settings)
    finally:
        store.close()


def strangers(archive: Archive, settings: Settings) -> Iterator[Finding]:
    """Say that the store is another site's, or the database an old one."""
    try:
        count = len(asyncio.run(archive.strays()))
    except Exception:  # noqa: BLE001  (an object store raises what it likes; said above)
        return
    # While the host runs, some are being written.
    if count > 2 * settings.recordings.uploads:
        unknown = Message(
            text="{count} files of which this database knows nothing: another site's, or the "
            "database is an old copy; they are left alone, and no law counts their month",
            params={"count": count},
        )
        yield Finding(subject=f"recordings.store: {settings.recordings.store}", well=False,
                      said=unknown)  # fmt: skip


async def _kept_too_long(archive: Archive) -> int:
    """Count those whose month is over, and those of which only the files are left."""
    return len(await archive.overdue(datetime.now(UTC))) + len(await archive.ledger.doomed())


def _room(archive: Archive, settings: Settings) -> Finding:
    """Write something and destroy it; look at the room that is left."""
    subject = f"recordings.store: {settings.recordings.store}"
    try:
        name = new_name()
        writing = archive.files.write(name)
        writing.write(b"renfort doctor")
        writing.commit()
        archive.files.remove(name)
        free = archive.files.free()
    except Exception as error:  # noqa: BLE001  (an object store raises what it likes)
        cannot = Message(text="cannot be written: {cause}", params={"cause": cause(error)})
        return Finding(subject=subject, well=False, said=cannot)
    if free is not None and free < settings.recordings.free_floor_gb * 1e9:
        full = Message(text="less than {floor:g} GB are left: nothing is taken in",
                       params={"floor": settings.recordings.free_floor_gb})  # fmt: skip
        return Finding(subject=subject, well=False, said=full)
    return Finding(subject=subject, well=True, said=Message(text="can be written and emptied"))
