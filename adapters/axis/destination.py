"""The content destination API of Axis body-worn systems: requests in, facts out. Pure.

A subset of OpenStack Swift v1 (AxisCommunications/body-worn-content-destination-api, 1.6): the body
worn system is the client. Containers are recordings, objects are clips, keys, bookmarks, GNSS
trails; what is known of them travels as percent-encoded headers, whose names lose their case.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

from hooks import (
    DeviceId,
    Malformed,
    Officer,
    Piece,
    PieceKind,
    Position,
    Recording,
    RecordingId,
    Trail,
)
from hooks.reading import Faults, printable, read_object

#: Containers that hold no recording.
SHELVES = ("System", "Users", "Devices")
#: « String attributes can't be larger than 32 bytes except when noted » (100): we take more.
LONGEST_VALUE, MOST_KEYS = 1024, 64
LONGEST_NAME = 1024
#: A trail of a whole day, one place a second, takes 10 MB.
LARGEST_TRAIL = 32 << 20
#: Years that a camera's clock may tell; others are a clock that was never set.
FIRST_YEAR, LAST_YEAR = 2015, 2100

CAPABILITIES = json.dumps(
    {
        "Read": {"ReadCategories": False},
        "Store": {
            "StoreBookmarks": True,
            "StoreRejectedContent": True,
            "StoreUserIDKey": True,
            "StoreSignedVideo": True,
            "StoreGNSSTrackRecording": True,
        },
        "StoreAndRead": {"StoreReadSystemID": True},
    },
    indent=2,
).encode()

# --- where a request points ---


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. Names are texts, whatever is in them: never paths."""

    account: str
    container: str = ""
    object: str = ""


def target_of(raw_path: bytes, prefix: str = "/v1/") -> Target | None:
    """Read `/v1/<account>[/<container>[/<object>]]` as it came on the wire; None: another path.

    Split before the escapes are undone: an escaped slash belongs to a name. An object's name may
    hold plain slashes too.

    Raises
    ------
    Malformed
        A name is empty, too long, or no UTF-8.
    """
    path = raw_path.partition(b"?")[0]
    start = prefix.encode()
    if not path.startswith(start):
        return None
    parts = path[len(start) :].split(b"/", 2)
    if parts[1:] == [b""]:  # a slash at the end of the account
        parts.pop()
    if len(parts) == 3 and parts[2] == b"":  # or of the container
        parts.pop()
    return Target(*[_name(part) for part in parts])


def _name(part: bytes) -> str:
    try:
        name = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("name", part[:80], "write names in UTF-8") from error
    if not name or len(name.encode()) > LONGEST_NAME:
        raise Malformed("name", name[:80], "write a name of 1 to {most} bytes", most=LONGEST_NAME)
    return name


# --- the words that travel as headers ---


def words_of(headers: Iterable[tuple[bytes, bytes]], kind: str) -> dict[str, str]:
    """Read the metadata of `kind` ("container" or "object"), by key in lower case.

    Raises
    ------
    Malformed
        A value is longer than any the API speaks of, or there are far too many.
    """
    prefix = f"x-{kind}-meta-".encode()
    words: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if not lower.startswith(prefix) or len(lower) == len(prefix):
            continue
        key = lower[len(prefix) :].decode("latin-1")
        text = unquote_to_bytes(value).decode("utf-8", "replace")
        if len(text) > LONGEST_VALUE:
            raise Malformed(key, text[:80], "write at most {most} characters", most=LONGEST_VALUE)
        words[key] = text
    if len(words) > MOST_KEYS:
        raise Malformed("metadata", len(words), "write at most {most} keys", most=MOST_KEYS)
    return words


def merged(before: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Put what a POST on a container tells over what was known; an empty value deletes its key."""
    both = {**before, **told}
    return {key: value for key, value in both.items() if value}


def headers_of(words: Mapping[str, str], kind: str) -> list[tuple[bytes, bytes]]:
    """Write metadata as headers again."""
    return [
        (f"x-{kind}-meta-{key}".encode("latin-1"), quote(value, safe="").encode())
        for key, value in words.items()
    ]


# --- what a container and an object are ---


def recording_id(container: str) -> RecordingId:
    """Name a recording after its container."""
    return RecordingId(f"axis:{container}")


_CONTAINER = re.compile(r"([^_]+)_([^_]+)_(\d{8}T\d{6}Z)")
_REJECTED = re.compile(r"RejectedContent_")


def recording_of(container: str, words: Mapping[str, str]) -> Recording:
    """Read a container `<UserID>_<BWCSerialNumber>_<TriggerOnTime>` and its metadata.

    What the metadata lacks, the name tells. A rejected container tells those of the one it was
    meant for.
    """
    own = words.get("rejectedcontentoriginalcontainer") or container
    named = _CONTAINER.fullmatch(own)
    user, serial, trigger = named.groups() if named else ("", "", "")
    device = words.get("bwcserialnumber") or serial
    start = _moment(words, "starttime") or _moment(words, "triggerontime") or _compact(trigger)
    rejected = ""
    if _REJECTED.match(container):
        rejected = words.get("rejectedcontentreason") or "rejected"
    return Recording(
        id=recording_id(container),
        device=DeviceId(f"axis:{printable(device)}") if device else None,
        officer=Officer(id=printable(words.get("userid") or user)),
        started_at=start,
        ended_at=_moment(words, "stoptime") or _moment(words, "triggerofftime"),
        complete=words.get("status", "").lower() == "complete",
        rejected=printable(rejected),
        extra=dict(words),
    )


_CLIP = re.compile(r"(\d{8}_\d{6})_([^_.]+)\.(mkv|mp4|key)", re.IGNORECASE)
_TRAIL = re.compile(r"(\d{8}_\d{6})_([^_]+)_(.+)_gpstrail\.json", re.IGNORECASE)


def piece_of(container: str, name: str, words: Mapping[str, str]) -> Piece:
    """Read an object by its name and metadata; what is not recognised is kept all the same."""
    kind, recorded_as = PieceKind.UNKNOWN, ""
    if clip := _CLIP.fullmatch(name):
        kind = PieceKind.KEY if clip[3].lower() == "key" else PieceKind.VIDEO
        recorded_as = _recorded_as(clip, container, words)
    elif trail := _TRAIL.fullmatch(name):
        kind = PieceKind.TRAIL
        recorded_as = _recorded_as(trail, container, words)
    elif name.startswith("bookmark_"):
        kind = PieceKind.BOOKMARK
    elif name.lower().endswith((".mkv", ".mp4")):
        kind = PieceKind.VIDEO
    elif name.lower().endswith(".key"):
        kind = PieceKind.KEY
    return Piece(
        recording=recording_id(container),
        name=name,
        kind=kind,
        started_at=_moment(words, "starttime"),
        ended_at=_moment(words, "stoptime") or _moment(words, "endtime"),
        recorded_as=printable(recorded_as),
        extra=dict(words),
    )


def _recorded_as(named: re.Match[str], container: str, words: Mapping[str, str]) -> str:
    """Name what was filmed as the live event's `recordingId` does: `<date>_<time>_<id>_<serial>`.

    Inferred from recorded messages, not said by Axis.
    """
    own = words.get("rejectedcontentoriginalcontainer") or container
    of = _CONTAINER.fullmatch(own)
    return f"{named[1]}_{named[2]}_{of[2]}" if of else f"{named[1]}_{named[2]}"


def _moment(words: Mapping[str, str], key: str) -> datetime | None:
    """Read `<Key>ISO` (RFC 3339), else `<Key>` (seconds since 1970, or RFC 3339 in bookmarks)."""
    for text in (words.get(f"{key}iso", ""), words.get(key, "")):
        read = _rfc3339(text) or _epoch(text)
        if read is not None and FIRST_YEAR <= read.year < LAST_YEAR:
            return read
    return None


def _rfc3339(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else None


def _epoch(text: str) -> datetime | None:
    try:
        seconds = float(text)
        # « epoch UTC », of which nobody says whether in seconds: milliseconds are seen by size.
        return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _compact(text: str) -> datetime | None:
    try:
        read = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return read if FIRST_YEAR <= read.year < LAST_YEAR else None


# --- the trail ---

_POINT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+(\S+)\s*\)\s*", re.IGNORECASE)


def trail_of(content: bytes) -> Trail | None:
    """Read a GNSS trail; None: it is encrypted (no JSON begins so). x is the longitude.

    Raises
    ------
    Malformed
        It is JSON, and no trail. An entry that is wrong is left out when others are right.
    """
    if content.lstrip()[:1] != b"{":
        return None
    faults: Faults = []
    entries = read_object(content, faults, "trail", most=LARGEST_TRAIL).get("CoordinateEntries")
    if not isinstance(entries, list):
        raise Malformed("CoordinateEntries", entries, "write a list")
    places = [place for entry in entries if (place := _place(entry)) is not None]
    if entries and not places:
        raise Malformed("CoordinateEntries", entries[:1], 'write "POINT(lon lat)" and "Timestamp"')
    return Trail(places=tuple(sorted(places, key=lambda place: str(place.fixed_at))))


def _place(entry: object) -> Position | None:
    if not isinstance(entry, Mapping):
        return None
    point = _POINT.fullmatch(str(entry.get("LocationWKT", "")))
    at = _rfc3339(str(entry.get("Timestamp", "")))
    if point is None or at is None:
        return None
    try:
        lon, lat = float(point[1]), float(point[2])
        if lon == 0 and lat == 0:  # how a camera without a fix says so
            return None
        return Position(lon=lon, lat=lat, fixed_at=at, source="gnss")
    except ValueError:
        return None


# --- the file that the system imports to find us ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who may bring recordings, and how they are to be coded."""

    username: str
    password: str
    site: str = "Renfort"
    container: str = "mp4"  #: "mp4" or "mkv"; cannot be changed afterwards
    public_key: str = ""  #: PEM (RSA): the system then encrypts for its owner; for ever
    public_key_id: str = ""


def connection_file(account: Account, address: str, certificates: str, version: str) -> bytes:
    """Write the JSON file that AXIS Body Worn Manager imports.

    Parameters
    ----------
    address
        `https://host:port`, as the system controller reaches us.
    certificates
        PEM, one or more; empty: plain HTTP, which Axis allows for development.

    Raises
    ------
    Malformed
        Something is longer than the file may hold.
    """
    pem = re.findall(
        r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", certificates, re.DOTALL
    )
    document: dict[str, object] = {
        "ConnectionFileVersion": "1.0",
        "SiteName": account.site,
        "ApplicationName": "Renfort",
        "ApplicationVersion": version,
        "ContentDestinationAsNTPServer": False,
        "AuthenticationTokenURI": [f"{address.rstrip('/')}/auth/v1.0"],
        "BlobAPIKey": account.password,
        "BlobAPIUserName": account.username,
        "ContainerType": account.container,
        "FullStoreAndReadSupport": False,
        "WantEncryption": bool(account.public_key),
    }
    if pem:
        encoded = [base64.b64encode(each.encode()).decode() for each in pem[:10]]
        document["HTTPSCertificate"] = encoded
    if account.public_key:
        document["PublicKey"] = base64.b64encode(account.public_key.encode()).decode()
        document["PublicKeyId"] = account.public_key_id
    for name, most in _LONGEST.items():
        if len(str(document.get(name, ""))) > most:
            raise Malformed(name, "…", "write at most {most} characters", most=most)
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


_LONGEST = {
    "SiteName": 64, "ApplicationVersion": 128, "BlobAPIKey": 64, "BlobAPIUserName": 64,
    "PublicKey": 2048, "PublicKeyId": 128,
}  # fmt: skip
