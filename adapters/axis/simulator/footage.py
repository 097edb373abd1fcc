"""What a camera holds when it is docked: clips, where it was, notes; and how it names them."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from urllib.parse import quote

import av
import numpy as np
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """One recording: what the content destination API is told of it."""

    user: str  #: UUID of the wearer
    serial: str
    recording: str  #: `<date>_<time>_<id>`, local time: the live event's recordingId, serial apart
    triggered: datetime
    started: datetime  #: pre-buffer included
    stopped: datetime
    place: tuple[float, float] | None = None  #: longitude, latitude at the press
    walk: Sequence[tuple[float, float, float]] = ()  #: seconds from start, longitude, latitude
    notes: Sequence[str] = ()
    clips: int = 1

    @property
    def container(self) -> str:
        """`<UserID>_<BWCSerialNumber>_<TriggerOnTime>`."""
        return f"{self.user}_{self.serial}_{self.triggered:%Y%m%dT%H%M%SZ}"

    def words(self, status: str) -> dict[str, str]:
        """Write the container's metadata."""
        told = {
            "ContainerName": self.container, "BWCSerialNumber": self.serial,
            "SCUSerialNumber": "ACCC8E000001", "FirmwareVersion": "11.10.61", "UserID": self.user,
            "TriggerOn": "Button", "TriggerOff": "Button", **_time("TriggerOnTime", self.triggered),
            **_time("TriggerOffTime", self.stopped), **_time("StartTime", self.started),
            **_time("StopTime", self.stopped), "TimeZone": "Europe/Paris", "BWCModel": "W110",
            "Status": status,
        }  # fmt: skip
        if self.place is not None:
            lon, lat = self.place
            # The separators are not specified.
            told["TriggerOnLocation"] = f"{lat} {lon} 6.5 {int(self.triggered.timestamp())}"
        return told


@dataclass(slots=True)
class Item:
    """One object to upload."""

    name: str
    words: dict[str, str]
    content: bytes = field(repr=False, default=b"")
    needs: str = ""  #: the capability without which it is not sent


def items(footage: Footage, container_type: str, key: Lock | None) -> Iterator[Item]:
    """List what is uploaded, in the order of a controller: clips and their keys, then the rest."""
    length = (footage.stopped - footage.started) / footage.clips
    stem, _, number = footage.recording.rpartition("_")
    local = datetime.strptime(stem, "%Y%m%d_%H%M%S")  # noqa: DTZ007  (the camera's own local time)
    for clip in range(footage.clips):
        start = footage.started + clip * length
        name = f"{local + clip * length:%Y%m%d_%H%M%S}_{number}"
        words = {
            **_time("StartTime", start), **_time("StopTime", start + length),
            "ContainerType": container_type,
        }  # fmt: skip
        film = filmed(min(length.total_seconds(), 2.0), container_type)
        yield from _locked(Item(f"{name}.{container_type}", words, film), name, start, key)
    if footage.walk:
        name = f"{footage.recording}_{footage.serial}_gpstrail.json"
        trail = Item(name, {"FileType": "json"}, _trail(footage), "StoreGNSSTrackRecording")
        yield from _locked(trail, name.removesuffix(".json"), footage.started, key)
    for count, note in enumerate(footage.notes, 1):
        words = {
            "CategoryID": "1", "CategoryName": "Intervention", "Tags": "renfort;nuit",
            "StartTime": footage.started.isoformat().replace("+00:00", "Z"),
        }  # fmt: skip
        name = f"bookmark_{footage.started:%Y%m%dT%H%M%SZ}_{count}"
        yield Item(name, words, note.encode(), "StoreBookmarks")


def _trail(footage: Footage) -> bytes:
    entries = [
        {
            "LocationWKT": f"POINT({lon:.6f} {lat:.6f})",
            "SecondsFromStart": seconds,
            "Timestamp": f"{footage.started + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
        }
        for seconds, lon, lat in footage.walk
    ]
    return json.dumps({"CoordinateEntries": entries}).encode()


def _time(key: str, at: datetime) -> dict[str, str]:
    at = at.astimezone(UTC)
    return {key: str(int(at.timestamp())), f"{key}ISO": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def header(kind: str, key: str, value: str) -> tuple[str, str]:
    """Write a metadata header as HTTP libraries do: only first letters are capitals."""
    return f"X-{kind}-Meta-{key.capitalize()}", quote(value, safe="")


def filmed(seconds: float, container_type: str) -> bytes:
    """Film a street where somebody walks: a real file, H.264."""
    file = io.BytesIO()
    kind = "matroska" if container_type == "mkv" else "mp4"
    with av.open(file, "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.time_base = Fraction(1, 25)
        stream.options = {"preset": "ultrafast"}
        for number in range(max(1, int(seconds * 25))):
            street = np.full((180, 320, 3), 90, np.uint8)
            left = number * 4 % 300
            street[60:140, left : left + 18] = 30
            frame = av.VideoFrame.from_ndarray(street, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


# --- encryption: for the owner of the private key alone ---


class Lock:
    """The owner's public key, as the connection file gives it."""

    def __init__(self, public_key: str, key_id: str) -> None:
        pem = base64.b64decode(public_key)
        loaded = serialization.load_pem_public_key(pem)
        assert isinstance(loaded, rsa.RSAPublicKey)  # noqa: S101
        self._public, self._id = loaded, key_id

    def close(self, content: bytes) -> tuple[bytes, bytes]:
        """Encrypt (AES-256-CBC), and wrap the key (RSA-OAEP); give content and key object."""
        secret, start = os.urandom(32), os.urandom(16)
        pad = PKCS7(128).padder()
        padded = pad.update(content) + pad.finalize()
        coder = Cipher(algorithms.AES(secret), modes.CBC(start)).encryptor()
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
        wrapped = self._public.encrypt(secret, oaep)
        told = {
            "EncryptedKey": base64.b64encode(wrapped).decode(),
            "ContentEncryptionIV": base64.b64encode(start).decode(),
            "PublicKeyId": self._id,
        }
        return coder.update(padded) + coder.finalize(), json.dumps(told).encode()


def _locked(item: Item, stem: str, start: datetime, key: Lock | None) -> Iterator[Item]:
    if key is None:
        yield item
        return
    item.content, told = key.close(item.content)
    yield item
    words = {**_time("StartTime", start), "FileType": "key"}
    yield Item(f"{stem}.key", words, told, item.needs)
