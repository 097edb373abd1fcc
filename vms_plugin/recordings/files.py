"""Where the content of recordings is: files on a disk, or objects in any store fsspec speaks to.

Names are drawn by lot by the host: nothing that a sender wrote is ever part of a path. A piece is
there whole, under its name, or not at all, whenever the power goes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import uuid4

_NAME = re.compile(r"[0-9a-f]{32}")
#: What is being written; what is left of it after a crash is swept.
_PARTIAL = ".part"
#: Blocks of an upload to an object store (S3 wants at least 5 MiB).
BLOCK = 8 << 20


def new_name() -> str:
    """Draw a name."""
    return uuid4().hex


class Writing(Protocol):
    """A piece being written: not there until `commit` returns."""

    def write(self, data: bytes) -> None:
        """Write more."""

    def commit(self) -> None:
        """Make it durable, then make it be there."""

    def discard(self) -> None:
        """Leave nothing of it."""


class Files(Protocol):
    """A store. Every call may wait: it belongs in a worker thread. `OSError` when it cannot."""

    def free(self) -> int | None:
        """Count the bytes that are free; None: no limit known."""

    def write(self, name: str) -> Writing:
        """Begin a piece."""

    def read(self, name: str) -> IO[bytes]:
        """Open a piece; `FileNotFoundError` when it is not there."""

    def remove(self, name: str) -> None:
        """Destroy a piece, with all its versions; nothing when it is not there."""

    def names(self) -> Iterator[str]:
        """List the pieces that are there."""

    def sweep_partial(self) -> int:
        """Destroy what was left half written by a crash, and count it."""


def store_at(
    where: str, endpoint: str | None = None, key: str | None = None, secret: str | None = None
) -> Files:
    """Open the store at a folder, or at an address such as `s3://bucket/folder`."""
    if "://" not in where:
        return Disk(Path(where))
    options: dict[str, Any] = {}
    if where.startswith("s3"):
        options = {"key": key, "secret": secret, "endpoint_url": endpoint}
        options = {name: value for name, value in options.items() if value}
    return Bucket(where, **options)


# --- a disk ---


class Disk:
    """Files in a folder of ours, readable by us alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _made(self) -> Path:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._root

    def free(self) -> int | None:
        """Count what the file system has left for us."""
        return shutil.disk_usage(self._made()).free

    def write(self, name: str) -> _DiskWriting:
        """Begin a file."""
        return _DiskWriting(self._made(), _checked(name))

    def read(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self._root / _checked(name)).open("rb")

    def remove(self, name: str) -> None:
        """Unlink a file, durably."""
        with contextlib.suppress(FileNotFoundError):
            (self._root / _checked(name)).unlink()
            _sync_folder(self._root)

    def names(self) -> Iterator[str]:
        """List the files that are ours."""
        if self._root.is_dir():
            yield from (each.name for each in self._root.iterdir() if _NAME.fullmatch(each.name))

    def sweep_partial(self) -> int:
        """Unlink what was half written."""
        there = list(self._root.glob(f"*{_PARTIAL}")) if self._root.is_dir() else []
        left = [each for each in there if _NAME.fullmatch(each.stem)]  # others' are theirs
        for each in left:
            each.unlink(missing_ok=True)
        return len(left)


class _DiskWriting:
    def __init__(self, root: Path, name: str) -> None:
        self._root, self._final = root, root / name
        self._partial = root / (name + _PARTIAL)
        number = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # Not by `os.write`: on Windows it makes two bytes of each line feed in a picture.
        self._file = os.fdopen(number, "wb")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def commit(self) -> None:
        """Content to the disk, then the name, then the folder that holds the name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._final)
        _sync_folder(self._root)

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # what a full disk does not take is not missed here
            self._file.close()
        self._partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the name itself
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


# --- an object store ---


class Bucket:
    """Objects under an address that fsspec speaks to: S3 and whatever is compatible with it."""

    def __init__(self, url: str, **options: Any) -> None:
        import fsspec  # noqa: PLC0415  (only where a site has such a store)

        self._system: Any
        self._system, root = fsspec.core.url_to_fs(url, **options)
        self._root = root.rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{_checked(name)}"

    def free(self) -> int | None:
        """Say nothing: an object store does not tell."""
        return None

    def write(self, name: str) -> _BucketWriting:
        """Begin an object; an upload that is not completed is no object."""
        return _BucketWriting(
            self._system.open(self._path(name), "wb", autocommit=False, block_size=BLOCK)
        )

    def read(self, name: str) -> IO[bytes]:
        """Open an object."""
        opened: IO[bytes] = self._system.open(self._path(name), "rb")
        return opened

    def remove(self, name: str) -> None:
        """Delete an object and, in a bucket that keeps versions, each of them."""
        path = self._path(name)
        self._system.invalidate_cache()
        with contextlib.suppress(FileNotFoundError):
            self._system.rm_file(path)
        for version in self._versions(path):  # and the mark that the deletion itself left
            bucket, _, key = path.partition("/")
            self._system.call_s3("delete_object", Bucket=bucket, Key=key, VersionId=version)

    def _versions(self, path: str) -> list[str]:
        """List what is left of an object: a deletion that hides a version does not destroy it."""
        if not hasattr(self._system, "call_s3"):
            return []
        bucket, _, key = path.partition("/")
        told = self._system.call_s3("list_object_versions", Bucket=bucket, Prefix=key)
        rows = [*told.get("Versions", ()), *told.get("DeleteMarkers", ())]
        return [
            # "null": written before the bucket kept versions, and kept by it since.
            row.get("VersionId", "null")
            for row in rows
            if row["Key"] == key
        ]

    def names(self) -> Iterator[str]:
        """List the objects that are ours."""
        self._system.invalidate_cache()
        try:
            listed = self._system.ls(self._root, detail=False)
        except FileNotFoundError:
            return
        for path in listed:
            name = str(path).rpartition("/")[2]
            if _NAME.fullmatch(name):
                yield name

    def sweep_partial(self) -> int:
        """Abort the uploads that a crash left open: their parts are kept, and paid, until then."""
        if not hasattr(self._system, "call_s3"):
            return 0
        bucket, _, folder = self._root.partition("/")
        within = f"{folder}/" if folder else ""  # a neighbour's name may begin as ours
        told = self._system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=within)
        left = told.get("Uploads", ())
        for each in left:
            self._system.call_s3(
                "abort_multipart_upload", Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"]
            )
        return len(left)


class _BucketWriting:
    def __init__(self, opened: Any) -> None:
        self._opened = opened

    def write(self, data: bytes) -> None:
        self._opened.write(data)

    def commit(self) -> None:
        self._opened.close()
        self._opened.commit()

    def discard(self) -> None:
        with contextlib.suppress(Exception):  # nothing was begun, or the store is away: swept later
            self._opened.discard()
        self._opened.closed = True  # else it would be flushed when it is forgotten


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"no name of ours: {name!r}")
    return name
