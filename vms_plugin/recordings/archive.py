"""The house's archive: takes pieces in, gives them out, destroys them. The door to both stores.

A piece is streamed to its file while it comes, made durable, then written in the database with its
line in the register, then answered. A crash at any moment leaves the whole piece or nothing: what
has no line in the database is swept at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import structlog

from hooks import KeptPiece, Piece, Recording, RecordingId, Refused, Unreachable
from hooks.causes import cause
from vms_plugin.legal import Law
from vms_plugin.recordings.files import Files, Writing, new_name
from vms_plugin.recordings.ledger import OURSELVES, Held, Ledger, UnknownRecordingError
from vms_plugin.register import Entry, Operation
from vms_plugin.settings import RecordingSettings, Settings
from vms_plugin.store import Store

#: Handed to the disk at once; the room that is left is looked at as often.
BLOCK = 1 << 20

log = structlog.get_logger(__name__)


class UndestroyedError(Exception):
    """So many recordings are past their month, and still there; the cause is that of the first."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} recordings cannot be destroyed")
        self.count = count


class StrangersError(Exception):
    """There are so many files that no crash of ours left: another's, or our base is old."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} files of which this database knows nothing")
        self.count = count


class Archive:
    """All recordings of the house."""

    def __init__(self, store: Store, files: Files, settings: Settings, law: Law) -> None:
        self.ledger = Ledger(store)
        self.files = files
        self.law = law
        self._zone = settings.timezone
        self._limits: RecordingSettings = settings.recordings
        self._uploads = 0

    def vault(self, adapter: str) -> ArchiveVault:
        """Give an adapter its own door to the archive."""
        return ArchiveVault(self, adapter)

    # --- in ---

    async def keep(
        self, adapter: str, piece: Piece, content: AsyncIterator[bytes], size: int | None
    ) -> KeptPiece:
        """Keep a piece, whole and durable; see `hooks.Vault.keep`."""
        recording = await self.ledger.recording(piece.recording)
        if recording is None:
            raise Unreachable("the recording is not known: it is to be told first")
        if self._uploads >= self._limits.uploads:
            raise Unreachable("{count} uploads at once: try again", count=self._uploads)
        self._uploads += 1
        try:
            return await self._kept(adapter, recording, piece, content, size)
        except OSError as error:
            log.warning("recordings' store fails", cause=str(error))
            raise Unreachable("the recordings' store fails: {cause}", cause=cause(error)) from error
        finally:
            self._uploads -= 1

    async def _kept(
        self,
        adapter: str,
        recording: Recording,
        piece: Piece,
        content: AsyncIterator[bytes],
        size: int | None,
    ) -> KeptPiece:
        await self._look_for_room(size or 0)
        file = new_name()
        writing = await asyncio.to_thread(self.files.write, file)
        try:
            written, digest = await self._written(writing, content)
            await asyncio.to_thread(writing.commit)
        except BaseException:
            await asyncio.to_thread(writing.discard)
            raise
        kept = KeptPiece(piece=piece, size=written, sha256=digest)
        try:
            entry = collected(adapter, recording, kept)
            replaced = await self.ledger.keep(kept, file, entry, datetime.now(UTC))
        except BaseException as error:
            await asyncio.to_thread(self.files.remove, file)
            if isinstance(error, UnknownRecordingError):
                raise Unreachable("the recording was destroyed meanwhile") from error
            raise
        if replaced is not None:
            await asyncio.to_thread(self.files.remove, replaced)
        return kept

    async def _written(self, writing: Writing, content: AsyncIterator[bytes]) -> tuple[int, str]:
        digest, block, total = hashlib.sha256(), bytearray(), 0

        def flush(data: bytes) -> None:
            digest.update(data)
            writing.write(data)

        async for chunk in content:
            block += chunk
            if len(block) >= BLOCK:
                total += len(block)
                await self._look_for_room(0, total)
                await asyncio.to_thread(flush, bytes(block))
                block.clear()
        total += len(block)
        await self._look_for_room(0, total)
        await asyncio.to_thread(flush, bytes(block))
        return total, digest.hexdigest()

    async def _look_for_room(self, wanted: int, written: int = 0) -> None:
        """Refuse what is too large, and leave the disk the room that the journal needs."""
        most = self._limits.largest_gb * 1e9
        if max(wanted, written) > most:
            raise Refused("more than {most:g} GB in one piece", most=self._limits.largest_gb)
        free = await asyncio.to_thread(self.files.free)
        if free is not None and free - wanted < self._limits.free_floor_gb * 1e9:
            raise Refused(
                "less than {floor:g} GB would be left on the disk of recordings",
                floor=self._limits.free_floor_gb,
            )

    # --- out ---

    async def content(self, recording: RecordingId, name: str, most: int) -> bytes:
        """Read a small piece whole; `UnknownRecordingError` when it is not there.

        Raises
        ------
        ValueError
            It is longer than `most` bytes.
        """
        found = await self.ledger.piece(recording, name)
        if found is None:
            raise UnknownRecordingError(recording)
        kept, file = found
        if kept.size > most:
            raise ValueError(f"{kept.size} bytes")

        def read() -> bytes:
            with self.files.read(file) as opened:
                return opened.read()

        return await asyncio.to_thread(read)

    # --- the end ---

    async def sweep(self) -> int:
        """At start: destroy what a crash left, which no line of the database speaks of.

        Raises
        ------
        StrangersError
            A crash leaves the uploads under way, and what they replaced, no more. Nothing is
            destroyed: pointed at another site's store, or after an old copy of the database was put
            back, all that is there would be.
        """
        strays = await self.strays()
        if len(strays) > 2 * self._limits.uploads:
            raise StrangersError(len(strays))

        def destroy() -> int:
            partial = self.files.sweep_partial()
            for name in strays:
                self.files.remove(name)
            return partial + len(strays)

        return await asyncio.to_thread(destroy)

    async def strays(self) -> list[str]:
        """List the files of which the database says nothing."""
        known = await self.ledger.all_files()
        return await asyncio.to_thread(
            lambda: [name for name in self.files.names() if name not in known]
        )

    async def overdue(self, now: datetime) -> list[Held]:
        """List the recordings that may no longer be kept."""
        today = now.astimezone(self._zone).date()
        kept = self.law.require("recordings_kept", today)
        # Months differ by three days, and days by zone: a bound for the database, not the rule.
        old = await self.ledger.held(until=now - kept.delay + timedelta(days=5))
        return [
            held
            for held in old
            if not held.set_aside and self.law.over(held.counted_from(now), now, self._zone)
        ]

    async def destroy_due(self, now: datetime) -> int:
        """Destroy what the law no longer lets us keep (R241-13); answer how many recordings.

        Raises
        ------
        UndestroyedError
            Some could not be: the others are destroyed all the same.
        """
        for held in await self.overdue(now):
            why, detail = self._end_of(held, now)
            await self.ledger.doom(held, why, detail)
        doomed = await self.ledger.doomed()
        failed: list[Exception] = []
        for each in doomed:
            try:
                for file in each.files:
                    await asyncio.to_thread(self.files.remove, file)
            except Exception as error:  # noqa: BLE001  (an object store raises what it likes)
                failed.append(error)
            else:
                await self.ledger.gone(each)
        if failed:
            raise UndestroyedError(len(failed)) from failed[0]
        return len(doomed)

    def _end_of(self, held: Held, now: datetime) -> tuple[str, Mapping[str, str]]:
        today = now.astimezone(self._zone).date()
        kept = self.law.require("recordings_kept", today)
        last = self.law.last_day(held.counted_from(now), today, self._zone)
        detail = {
            "last day": last.isoformat(),
            "pieces": str(len(held.pieces)),
            "counted from": "recording" if held.dated(now) else "reception",
        }
        return kept.article, detail


class ArchiveVault:
    """What an adapter sees of the archive: `hooks.Vault`."""

    def __init__(self, archive: Archive, adapter: str) -> None:
        self._archive, self._adapter = archive, adapter
        self._ledger = archive.ledger

    def _own(self, recording: RecordingId) -> RecordingId:
        if not recording.startswith(f"{self._adapter}:"):
            raise ValueError(f"a recording of {self._adapter} is named {self._adapter}:…")
        return recording

    async def tell(self, recording: Recording) -> bool:
        """Keep what is known of a recording."""
        self._own(recording.id)
        with _database():
            return await self._ledger.tell(recording, datetime.now(UTC))

    async def recording(self, recording: RecordingId) -> Recording | None:
        """Give what is known of a recording."""
        with _database():
            return await self._ledger.recording(self._own(recording))

    async def keep(
        self, piece: Piece, content: AsyncIterator[bytes], size: int | None = None
    ) -> KeptPiece:
        """Keep a piece."""
        self._own(piece.recording)
        with _database():
            return await self._archive.keep(self._adapter, piece, content, size)

    async def amend(self, piece: Piece) -> bool:
        """Replace the words of a piece."""
        self._own(piece.recording)
        with _database():
            return await self._ledger.amend(piece)

    async def piece(self, recording: RecordingId, name: str) -> KeptPiece | None:
        """Give a piece, without its content."""
        with _database():
            found = await self._ledger.piece(self._own(recording), name)
        return found[0] if found else None

    async def remember(self, shelf: str, name: str, words: Mapping[str, str]) -> bool:
        """Keep some words."""
        with _database():
            return await self._ledger.remember(self._adapter, shelf, name, words)

    async def recall(self, shelf: str, name: str) -> Mapping[str, str] | None:
        """Give such words again."""
        with _database():
            return await self._ledger.recall(self._adapter, shelf, name)


@contextmanager
def _database() -> Iterator[None]:
    """Tell a sender to come again when the database fails: what he brought is not kept."""
    try:
        yield
    except sqlite3.Error as error:
        log.warning("the database fails", cause=str(error))
        raise Unreachable("the database fails: {cause}", cause=cause(error)) from error


def collected(adapter: str, recording: Recording, kept: KeptPiece) -> Entry:
    """Write the line of a piece taken in; its digest proves it until it is erased (L241-2)."""
    piece = kept.piece
    detail = {
        "piece": piece.name, "kind": piece.kind.value, "bytes": str(kept.size),
        "sha256": kept.sha256, "device": str(recording.device or ""), "by": adapter,
    }  # fmt: skip
    return Entry(
        kind=Operation.COLLECTION, who=OURSELVES, what=recording.id,
        why="CSI R241-11 III", detail=detail,
    )  # fmt: skip
