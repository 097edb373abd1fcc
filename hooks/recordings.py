"""Docked recordings: what an adapter that receives them tells, and the vault that keeps them.

The adapter speaks the docking station's protocol and knows no disk, no database and no law. The
host knows no protocol: it keeps every piece whole or not at all, joins it to its incident, writes
the register, and destroys what the law no longer lets it keep (CSI R241-13, R241-14).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType, Protocol

from hooks._values import OpenEnum, require_aware
from hooks.basics import DeviceId, Position
from hooks.facts import Officer

RecordingId = NewType("RecordingId", str)


class PieceKind(OpenEnum):
    """What a piece of a recording holds."""

    VIDEO = "video"
    TRAIL = "trail"  # where the camera was, moment by moment
    BOOKMARK = "bookmark"  # a note of the officer on a moment, or on the whole
    KEY = "key"  # what decrypts another piece, itself locked with the owner's public key
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a camera recorded between one start and one stop. Told again whenever more is known."""

    id: RecordingId
    device: DeviceId | None = None
    officer: Officer = field(default_factory=Officer)
    #: The month of R241-13 is counted from that day. None: from the day of reception, and said.
    started_at: datetime | None = None
    ended_at: datetime | None = None
    complete: bool = False  #: the sender says that nothing more will come
    rejected: str = ""  #: why the sender itself holds it for doubtful; empty: it does not
    extra: Mapping[str, str] = field(default_factory=dict)  #: the sender's words, given back as is

    def __post_init__(self) -> None:
        require_aware("started_at", self.started_at)
        require_aware("ended_at", self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of a recording, without its content."""

    recording: RecordingId
    name: str  #: the sender's, unique in the recording; any text: the host makes no path of it
    kind: PieceKind = PieceKind.UNKNOWN
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: The maker's name of what was filmed, as `Activation.extra["recordingId"]` told it live.
    recorded_as: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)  #: the sender's words, given back as is

    def __post_init__(self) -> None:
        require_aware("started_at", self.started_at)
        require_aware("ended_at", self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPiece:
    """A piece that the vault holds, whole."""

    piece: Piece
    size: int  #: bytes
    sha256: str  #: of the content, in hexadecimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Where a camera was while it recorded, oldest first; each place has its `fixed_at`."""

    places: tuple[Position, ...] = ()


class Vault(Protocol):
    """Where the host keeps what your inlet receives. Every call returns once it is on the disk.

    Call it from the inlet's own event loop. Everything may be repeated: the same name again is the
    same thing.

    Raises
    ------
    Unreachable
        Not now: too many uploads at once, the store does not answer. The sender is to come again.
    Refused
        No room, or larger than the site allows: a person must act.
    """

    async def tell(self, recording: Recording) -> bool:
        """Keep what is known of a recording; True when it was not known before."""
        ...

    async def recording(self, recording: RecordingId) -> Recording | None:
        """Give what is known of a recording; None: unknown, or destroyed since."""
        ...

    async def keep(
        self, piece: Piece, content: AsyncIterator[bytes], size: int | None = None
    ) -> KeptPiece:
        """Keep a piece of a recording that was told; `size` in bytes, when the sender says it.

        Nothing is kept when `content` raises: the vault lets the exception pass.
        """
        ...

    async def amend(self, piece: Piece) -> bool:
        """Replace the words of a piece, not its content; False when it is unknown."""
        ...

    async def piece(self, recording: RecordingId, name: str) -> KeptPiece | None:
        """Give a piece, without its content."""
        ...

    async def remember(self, shelf: str, name: str, words: Mapping[str, str]) -> bool:
        """Keep some words that belong to no recording (a camera's name); True when new."""
        ...

    async def recall(self, shelf: str, name: str) -> Mapping[str, str] | None:
        """Give such words again."""
        ...


#: An ASGI 3 application.
AsgiApp = Callable[
    [
        Any,
        Callable[[], Awaitable[Any]],
        Callable[[Any], Awaitable[None]],
    ],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """A service that the host serves for you, at a port of its own, apart from the page.

    The host gives it TLS with the site's certificate, a thread and an event loop: gigabytes that
    come in delay no alert. Without a certificate it opens on this machine alone.
    """

    name: str
    app: AsgiApp
    port: int  #: 0: any free one
    host: str = "127.0.0.1"
    #: `(address, certificates in PEM)`: write the file that the sender imports to find us.
    connection_file: Callable[[str, str], bytes] | None = None
