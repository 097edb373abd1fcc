"""The simulated body-worn system docks at our door, over TLS, and misbehaves as real ones do."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from adapters.axis import Axis
from adapters.axis.simulator.footage import Footage
from adapters.axis.simulator.station import DockingError, Station, Trouble
from hooks import PieceKind, RecordingId, Trail
from tests.adapters.axis import docking
from tests.adapters.axis.docking import SERIAL, USER, docked
from vms_plugin.recordings.ledger import Held

PRESS = datetime(2026, 11, 23, 18, 4, 5, tzinfo=UTC)
FOOTAGE = Footage(
    user=USER, serial=SERIAL, recording="20261123_190335_7F3A", triggered=PRESS,
    started=PRESS - timedelta(seconds=30), stopped=PRESS + timedelta(seconds=60),
    place=(4.0853, 43.5606), notes=("rixe, un blessé",), clips=2,
    walk=[(at, 4.0853, 43.5606 + at * 1e-5) for at in range(0, 90, 10)],
)  # fmt: skip
NAMES = [
    "20261123_190335_7F3A.mp4",
    f"20261123_190335_7F3A_{SERIAL}_gpstrail.json",
    "20261123_190420_7F3A.mp4",
    "bookmark_20261123T180335Z_1",
]


async def dock(house: docking.Station, trouble: Trouble | None = None, **more: Any) -> Station:
    station = Station(house.connection(**more), trouble or Trouble())

    def upload() -> None:
        station.connect()
        station.introduce("51aa", {USER: "PM-214"}, {SERIAL: "Caméra 1"})
        station.dock(FOOTAGE)

    await asyncio.to_thread(upload)
    return station


async def held(house: docking.Station) -> Held:
    [found] = await house.archive.ledger.held()
    return found


async def content(house: docking.Station, name: str) -> bytes:
    recording = RecordingId(f"axis:{FOOTAGE.container}")
    return await house.archive.content(recording, name, 1 << 30)


async def test_a_recording_is_docked_over_tls_with_the_connection_file(tmp_path: Path) -> None:
    async with docked(tmp_path, tls=True) as house:
        station = await dock(house)
        found = await held(house)
        film = await content(house, NAMES[0])
        trail = Axis().read_trail(found.pieces[1].piece, await content(house, NAMES[1]))
        note = await content(house, NAMES[3])
        names = await house.archive.ledger.recall("axis", "Users", USER)

    assert {status for _, _, status in station.log} == {200, 201, 202, 204}
    assert found.recording.complete
    assert found.recording.started_at == FOOTAGE.started
    assert found.recording.ended_at == FOOTAGE.stopped
    assert [kept.piece.name for kept in found.pieces] == NAMES
    assert [kept.piece.kind for kept in found.pieces] == [
        PieceKind.VIDEO, PieceKind.TRAIL, PieceKind.VIDEO, PieceKind.BOOKMARK,
    ]  # fmt: skip
    assert found.pieces[0].piece.recorded_as == f"20261123_190335_7F3A_{SERIAL}"
    with av.open(io.BytesIO(film)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    assert isinstance(trail, Trail)
    assert len(trail.places) == 9
    assert trail.places[0].fixed_at == FOOTAGE.started
    assert note.decode() == "rixe, un blessé"
    assert names is not None
    assert names["name"] == "PM-214"


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(repeats=3),
        Trouble(cut=2),
        Trouble(order="reversed"),
        Trouble(order="early"),
        Trouble(forget=True),
        Trouble(silent_s=0.3),
        Trouble(repeats=2, cut=1, order="reversed", forget=True),
    ],
    ids=str,
)
async def test_whatever_goes_wrong_on_the_way_the_house_holds_the_same(
    trouble: Trouble, tmp_path: Path
) -> None:
    async with docked(tmp_path, tls=True) as house:
        await dock(house, trouble)
        found = await held(house)
        kinds = [row[2] for row in await house.store.register()]

        assert found.recording.complete
        assert [kept.piece.name for kept in found.pieces] == sorted(NAMES)
        for _ in range(100):
            if len(house.files()) == len(NAMES):
                break
            await asyncio.sleep(0.05)
        assert len(house.files()) == len(NAMES)
        assert kinds.count("collection") == len(NAMES)
        # Its films are filmed anew at each repeat only if the bytes differ: they do not.
        assert set(kinds) == {"collection"}


async def test_docked_twice_it_is_held_once(tmp_path: Path) -> None:
    async with docked(tmp_path) as house:
        await dock(house)
        await dock(house)

        assert len((await held(house)).pieces) == len(NAMES)
        assert len(house.files()) == len(NAMES)


async def test_a_station_kept_waiting_by_a_busy_house_comes_again(tmp_path: Path) -> None:
    async with docked(tmp_path, uploads=1) as house:
        await asyncio.gather(*(dock(house) for _ in range(3)))

        assert len((await held(house)).pieces) == len(NAMES)


async def test_a_full_disk_makes_it_keep_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.axis.simulator import station

    monkeypatch.setattr(station, "PAUSE_S", 0.01)
    async with docked(tmp_path, free_floor_gb=1e6) as house:
        with pytest.raises(DockingError, match="507"):
            await dock(house)
        assert not (await held(house)).recording.complete
        assert house.files() == []


async def test_rejected_content_is_taken_whatever_it_is_and_joined_to_its_day(
    tmp_path: Path,
) -> None:
    async with docked(tmp_path) as house:
        station = Station(house.connection())

        def upload() -> str:
            station.connect()
            return station.reject(FOOTAGE, "corrupt data")

        box = await asyncio.to_thread(upload)
        found = await held(house)

    assert found.recording.id == f"axis:{box}"
    assert found.recording.rejected == "corrupt data"
    assert found.recording.started_at == FOOTAGE.started
    assert found.recording.device == f"axis:{SERIAL}"
    assert found.pieces[0].piece.recorded_as == f"20261123_190335_7F3A_{SERIAL}"


async def test_what_is_encrypted_is_opened_by_its_owner_alone(tmp_path: Path) -> None:
    owner = rsa.generate_private_key(65537, 2048)
    pem = owner.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    async with docked(tmp_path) as house:
        await dock(house, public_key=pem.decode(), public_key_id="parquet-2026")
        found = await held(house)
        film, key = await content(house, NAMES[0]), await content(house, NAMES[0][:-3] + "key")
        trail = await content(house, NAMES[1])
        piece = next(kept.piece for kept in found.pieces if kept.piece.kind is PieceKind.TRAIL)
        assert Axis().read_trail(piece, trail) is None
        kinds = [kept.piece.kind for kept in found.pieces]
        await house.archive.destroy_due(PRESS + timedelta(days=60))
        assert house.files() == []  # the keys go with what they lock

    assert kinds.count(PieceKind.KEY) == 3
    told = json.loads(key)
    assert told["PublicKeyId"] == "parquet-2026"
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    secret = owner.decrypt(base64.b64decode(told["EncryptedKey"]), oaep)
    start = base64.b64decode(told["ContentEncryptionIV"])
    opener = Cipher(algorithms.AES(secret), modes.CBC(start)).decryptor()
    pad = PKCS7(128).unpadder()
    clear = pad.update(opener.update(film) + opener.finalize()) + pad.finalize()
    assert clear[4:8] == b"ftyp"


async def test_a_wrong_account_and_a_wrong_certificate_stop_it_at_the_door(
    tmp_path: Path,
) -> None:
    async with docked(tmp_path, tls=True) as house:
        wrong = {**house.connection(), "BlobAPIKey": "something else"}
        with pytest.raises(DockingError, match="401"):
            await asyncio.to_thread(Station(wrong).connect)
        other = tmp_path / "other"
        other.mkdir()
        from vms_plugin.certificate import issue

        stranger = base64.b64encode(issue(other, "127.0.0.1").ca.read_bytes()).decode()
        untrusting = {**house.connection(), "HTTPSCertificate": [stranger]}
        with pytest.raises(DockingError, match="no token"):
            await asyncio.to_thread(Station(untrusting).connect)


async def test_what_is_encrypted_is_opened_by_openssl_as_axis_itself_shows(tmp_path: Path) -> None:
    """Axis's own script: `openssl rsautl -oaep`, then `openssl enc -d -aes-256-cbc`."""
    owner = rsa.generate_private_key(65537, 2048)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = owner.public_key().public_bytes(serialization.Encoding.PEM, spki)
    (tmp_path / "owner.pem").write_bytes(
        owner.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    async with docked(tmp_path) as house:
        await dock(house, public_key=pem.decode(), public_key_id="parquet-2026")
        film, key = await content(house, NAMES[0]), await content(house, NAMES[0][:-3] + "key")
    told = json.loads(key)

    def openssl(*words: str, given: bytes) -> bytes:
        done = subprocess.run(["openssl", *words], input=given, capture_output=True, check=True)
        return done.stdout

    wrapped = base64.b64decode(told["EncryptedKey"])
    start = base64.b64decode(told["ContentEncryptionIV"]).hex()
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep")
    private = ("-inkey", str(tmp_path / "owner.pem"))
    secret = await asyncio.to_thread(openssl, "pkeyutl", "-decrypt", *oaep, *private, given=wrapped)
    cipher = ("enc", "-d", "-aes-256-cbc", "-iv", start, "-K", secret.hex())
    clear = await asyncio.to_thread(openssl, *cipher, given=film)

    assert clear[4:8] == b"ftyp"
