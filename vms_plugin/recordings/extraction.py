"""Take a recording out of the house: each piece held against its digest, each with a harmless name.

For a procedure or for training alone (CSI R241-12 I), by somebody designated, to somebody named.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from hooks import KeptPiece, RecordingId
from vms_plugin.recordings.archive import Archive
from vms_plugin.recordings.ledger import UnknownRecordingError
from vms_plugin.register import Entry, Operation

BLOCK = 1 << 20
#: As sha256sum writes and reads it.
DIGESTS = "empreintes.sha256"


class AlteredError(Exception):
    """What is in the store is not what was taken in."""


async def extract(
    archive: Archive, recording: RecordingId, folder: Path, who: str, why: str,
    detail: Mapping[str, str],
) -> list[Path]:  # fmt: skip
    """Copy the pieces of a recording to a new folder; the register says so before the first byte.

    Raises
    ------
    UnknownRecordingError
        There is none of that name.
    AlteredError
        A piece is not what it was when it was taken in; it is left out, and so are the next.
    OSError
        The folder is there already, or cannot be written.
    """
    pieces = await archive.ledger.files_of(recording)
    if await archive.ledger.recording(recording) is None:
        raise UnknownRecordingError(recording)
    await asyncio.to_thread(folder.mkdir, 0o700, True)
    entry = Entry(kind=Operation.COMMUNICATION, who=who, what=recording, why=why, detail=detail)
    await archive.ledger.note(entry)
    return await asyncio.to_thread(_copies, archive, pieces, folder)


def _copies(archive: Archive, pieces: list[tuple[KeptPiece, str]], folder: Path) -> list[Path]:
    written = []
    lines = []
    for number, (kept, file) in enumerate(pieces, 1):
        path = folder / f"{number:03d}_{harmless_name(kept.piece.name)}"
        _copy(archive, kept, file, path)
        written.append(path)
        lines.append(f"{kept.sha256}  {path.name}\n")
    digests = folder / DIGESTS
    digests.write_text("".join(lines), encoding="utf-8")
    return [*written, digests]


def _copy(archive: Archive, kept: KeptPiece, file: str, path: Path) -> None:
    digest = hashlib.sha256()
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "wb") as copy, archive.files.read(file) as source:
            while block := source.read(BLOCK):
                digest.update(block)
                copy.write(block)
        if digest.hexdigest() != kept.sha256:
            raise AlteredError(kept.piece.name)
    except BaseException:
        path.unlink()  # half a picture, or another one, leaves with nobody
        raise


def harmless_name(name: str) -> str:
    """Make a file name of what a sender wrote: letters, figures, dots inside, nothing else."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")
    return safe[-100:] or "piece"
