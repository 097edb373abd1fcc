"""A docking station at our door: a real server, a foreign client, stations that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from adapters.axis import destination_door
from hooks import RecordingId
from tests.adapters.axis.docking import CLIP, CONTAINER, NAME, SENDER, Station, docked

MEDIA = bytes(range(256)) * 4096  # 1 MiB: more than one block of anything


async def content_of(station: Station, name: str) -> bytes:
    return await station.archive.content(RecordingId(NAME), name, 1 << 30)


async def kinds(station: Station) -> list[str]:
    return [row[2] for row in await station.store.register()]


async def test_a_whole_recording_comes_in(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        told = {"X-Container-Meta-Status": "Transferring",
                "X-Container-Meta-Starttimeiso": "2026-11-23T18:03:12Z"}  # fmt: skip
        assert await station.put(CONTAINER, **told) == 201
        assert await station.put(f"{CONTAINER}/{CLIP}", MEDIA) == 201
        assert await station.post(CONTAINER, **{"X-Container-Meta-Status": "Complete"}) == 204
        [held] = await station.archive.ledger.held()

        assert held.recording.complete
        assert held.recording.started_at is not None
        assert [kept.sha256 for kept in held.pieces] == [hashlib.sha256(MEDIA).hexdigest()]
        assert await content_of(station, CLIP) == MEDIA
        assert await kinds(station) == ["collection"]


async def test_repeats_change_nothing_and_are_not_refused(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        assert [await station.put(CONTAINER) for _ in range(3)] == [201, 202, 202]
        for _ in range(3):
            assert await station.put(f"{CONTAINER}/{CLIP}", MEDIA) == 201
            assert len(station.files()) == 1
        assert await kinds(station) == ["collection"]


async def test_other_content_under_the_same_name_is_a_modification(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        await station.put(CONTAINER)
        await station.put(f"{CONTAINER}/{CLIP}", MEDIA)
        await station.put(f"{CONTAINER}/{CLIP}", b"other")
        rows = await station.store.register()

        assert [row[2] for row in rows] == ["collection", "modification"]
        assert json.loads(rows[1][6])["sha256 before"] == hashlib.sha256(MEDIA).hexdigest()
        assert await content_of(station, CLIP) == b"other"
        assert len(station.files()) == 1


async def test_capabilities_carry_the_md5_of_their_body(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        where = "/v1/AUTH_renfort/System/Capabilities.json"
        answer, head = await station.client.get(where), await station.client.head(where)
        told = (head.headers["ETag"], head.headers["Content-Length"])

        assert answer.status_code == 200
        assert told == (answer.headers["ETag"], str(len(answer.content)))
        assert answer.headers["ETag"] == hashlib.md5(answer.content).hexdigest()
        assert answer.json()["Store"]["StoreBookmarks"] is True
        missing = await station.client.get("/v1/AUTH_renfort/System/Categories.json")
        assert missing.status_code == 404


async def test_names_of_wearers_and_cameras_are_kept_and_changed(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        assert await station.put("Users") == 202
        name = quote("Zoé Martin, brigade 2", safe="")
        user = "Users/7d0e8a52"
        assert await station.post(user, **{"X-Object-Meta-Name": name}) == 404
        assert await station.put(user, **{"X-Object-Meta-Name": name}) == 201
        assert await station.post(user, **{"X-Object-Meta-Active": "False"}) == 202
        head = await station.client.head(f"/v1/AUTH_renfort/{user}")
        assert head.headers["X-Object-Meta-Active"] == "False"
        assert "X-Object-Meta-Name" not in head.headers  # a POST on an object replaces
        read = await station.client.get(f"/v1/AUTH_renfort/{user}")
        assert read.status_code == 403
        assert await station.put("System/51aa", **{"X-Object-Meta-Systemname": "CSU"}) == 201
        system = await station.client.get("/v1/AUTH_renfort/System/51aa")
        assert system.headers["X-Object-Meta-Systemname"] == "CSU"


async def test_metadata_come_back_percent_encoded_whatever_their_case(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        await station.put(CONTAINER, **{"x-CONTAINER-meta-Triggeron": quote("Bouton é", safe="")})
        await station.put(f"{CONTAINER}/{CLIP}", b"x", **{"X-Object-Meta-Containertype": "mp4"})
        box = await station.client.head(f"/v1/AUTH_renfort/{CONTAINER}")
        clip = await station.client.head(f"/v1/AUTH_renfort/{CONTAINER}/{CLIP}")

        assert box.headers["X-Container-Meta-TriggerOn"] == "Bouton%20%C3%A9"
        assert clip.headers["X-Object-Meta-ContainerType"] == "mp4"
        assert clip.headers["Content-Length"] == "1"


@pytest.mark.parametrize(
    "name",
    ["..", "../../renfort.db", "/etc/passwd", "a:b", "a%2fb", "a\\b", "c\x00d", "é\n", "a/b/c",
     "CON", ".", "x" * 300],
)  # fmt: skip
async def test_no_name_is_ever_a_path(name: str, tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        box = quote(name, safe="").replace(".", "%2E")
        assert await station.put(box) == 201
        assert await station.put(f"{box}/{box}", b"harmless") == 201
        kept = await station.archive.ledger.piece(RecordingId(f"axis:{name}"), name)

        assert kept is not None
        assert kept[0].piece.name == name
        assert len(station.files()) == 1
        assert {each.partition("-")[0] for each in os.listdir(tmp_path)} == {
            "renfort.db", "recordings",
        }  # fmt: skip


async def test_a_stranger_gets_nothing(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        del station.client.headers["X-Auth-Token"]
        assert await station.put(CONTAINER) == 401
        answer = await station.client.get(
            "/auth/v1.0", headers={"X-Auth-User": SENDER.username, "X-Auth-Key": "wrong"}
        )
        assert answer.status_code == 401
        assert "X-Auth-Token" not in answer.headers
        station.client.headers["X-Auth-Token"] = "made up"
        assert await station.put(CONTAINER) == 401


async def test_a_token_ends_after_a_quarter_of_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with docked(tmp_path) as station:
        assert await station.put(CONTAINER) == 201
        station.door._clock = lambda: 1e12
        assert await station.put(CONTAINER) == 401
        await station.log_in()
        assert await station.put(CONTAINER) == 202


async def test_whoever_tries_passwords_waits(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        wrong = {"X-Auth-User": SENDER.username, "X-Auth-Key": "wrong"}
        for _ in range(destination_door.WRONG_AT_MOST):
            await station.client.get("/auth/v1.0", headers=wrong)
        right = {"X-Auth-User": SENDER.username, "X-Auth-Key": SENDER.password}
        assert (await station.client.get("/auth/v1.0", headers=right)).status_code == 401


async def test_nothing_is_read_listed_or_erased_by_this_door(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        await station.put(CONTAINER)
        await station.put(f"{CONTAINER}/{CLIP}", MEDIA)
        base = "/v1/AUTH_renfort"
        for path in (base, f"{base}/{CONTAINER}", f"{base}/{CONTAINER}/{CLIP}"):
            assert (await station.client.get(path)).status_code == 403
            assert (await station.client.delete(path)).status_code == 403
        assert (await station.client.patch(f"{base}/{CONTAINER}")).status_code == 405
        assert (await station.client.get("/v1/AUTH_other/x")).status_code == 404
        assert len(station.files()) == 1


async def test_a_piece_of_an_unknown_recording_is_refused(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        assert await station.put(f"{CONTAINER}/{CLIP}", MEDIA) == 404
        assert await station.post(CONTAINER) == 404
        assert await station.post(f"{CONTAINER}/{CLIP}") == 404
        assert station.files() == []


async def test_a_disk_that_is_nearly_full_is_said_507(tmp_path: Path) -> None:
    async with docked(tmp_path, free_floor_gb=1e6) as station:
        await station.put(CONTAINER)
        assert await station.put(f"{CONTAINER}/{CLIP}", MEDIA) == 507
        assert station.files() == []


async def test_a_piece_larger_than_the_site_allows_is_refused_whatever_its_sender_said(
    tmp_path: Path,
) -> None:
    async def chunks() -> object:
        for _ in range(4):
            yield MEDIA

    async with docked(tmp_path, largest_gb=0.002) as station:
        await station.put(CONTAINER)
        path = f"/v1/AUTH_renfort/{CONTAINER}/{CLIP}"
        answer = await station.client.put(path, content=chunks())  # type: ignore[arg-type]
        assert answer.status_code == 507
        assert station.files() == []


async def test_too_many_uploads_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    async with docked(tmp_path, uploads=1) as station:
        await station.put(CONTAINER)
        going, go = asyncio.Event(), asyncio.Event()

        async def slow() -> object:
            yield b"first"
            going.set()
            await go.wait()
            yield b"last"

        path = f"/v1/AUTH_renfort/{CONTAINER}/slow"
        first = asyncio.create_task(station.client.put(path, content=slow()))  # type: ignore[arg-type]
        await going.wait()
        busy = await station.client.put(f"/v1/AUTH_renfort/{CONTAINER}/{CLIP}", content=MEDIA)
        go.set()

        assert busy.status_code == 503
        assert busy.headers["Retry-After"]
        assert (await first).status_code == 201


async def test_a_wrong_digest_keeps_nothing(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        await station.put(CONTAINER)
        path = f"{CONTAINER}/{CLIP}"
        assert await station.put(path, MEDIA, ETag="0" * 32) == 422
        assert station.files() == []
        assert await station.put(path, MEDIA, ETag=hashlib.md5(MEDIA).hexdigest()) == 201


async def test_who_waits_for_100_continue_is_refused_before_he_sends(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        token = station.client.headers["X-Auth-Token"]
        await station.put(CONTAINER)

        def said(box: str) -> tuple[bytes, bytes]:
            with _request(station, token, f"{box}/{CLIP}", 5, "Expect: 100-continue\r\n") as link:
                first = link.recv(4096).split(b"\r\n")[0]
                if b"100" not in first:
                    return first, b""
                link.sendall(b"hello")
                return first, link.recv(4096).split(b"\r\n")[0]

        right = await asyncio.to_thread(said, CONTAINER)
        wrong = await asyncio.to_thread(said, "nowhere")

        assert right == (b"HTTP/1.1 100 Continue", b"HTTP/1.1 201 Created")
        assert wrong == (b"HTTP/1.1 404 Not Found", b"")


async def test_a_sender_cut_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    async with docked(tmp_path) as station:
        await station.put(CONTAINER)
        token = station.client.headers["X-Auth-Token"]

        def cut() -> None:
            with _request(station, token, f"{CONTAINER}/{CLIP}", 2 * len(MEDIA)) as link:
                link.sendall(MEDIA)

        await asyncio.to_thread(cut)
        for _ in range(100):
            if not station.files():
                break
            await asyncio.sleep(0.05)

        assert station.files() == []
        assert await station.archive.ledger.piece(RecordingId(NAME), CLIP) is None
        assert await station.put(f"{CONTAINER}/{CLIP}", MEDIA) == 201


async def test_a_sender_that_falls_silent_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(destination_door, "SILENCE_S", 0.2)
    async with docked(tmp_path) as station:
        await station.put(CONTAINER)
        token = station.client.headers["X-Auth-Token"]

        def silent() -> bytes:
            with _request(station, token, f"{CONTAINER}/{CLIP}", 100) as link:
                link.sendall(b"and then")
                return link.recv(4096).split(b"\r\n")[0]

        assert await asyncio.to_thread(silent) == b"HTTP/1.1 408 Request Timeout"
        assert station.files() == []


def _request(station: Station, token: str, name: str, length: int, more: str = "") -> socket.socket:
    place = urlsplit(station.url)
    link = socket.create_connection((place.hostname, place.port), timeout=20)
    head = f"PUT /v1/AUTH_renfort/{name} HTTP/1.1\r\nHost: {place.netloc}\r\n"
    head += f"X-Auth-Token: {token}\r\nContent-Length: {length}\r\n{more}\r\n"
    link.sendall(head.encode())
    return link


async def test_a_foreign_swift_client_uploads_and_sees_what_it_left(tmp_path: Path) -> None:
    """python-swiftclient, OpenStack's own: Axis's API is a subset of Swift."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(MEDIA)
    async with docked(tmp_path) as station:

        async def swift(*words: str) -> str:
            command = [
                sys.executable, "-m", "swiftclient.shell", "-A", f"{station.url}/auth/v1.0",
                "-U", SENDER.username, "-K", SENDER.password, *words,
            ]  # fmt: skip
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False, timeout=60
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        await swift("post", CONTAINER, "-m", "TriggerOn:button")
        await swift("upload", CONTAINER, str(clip), "--object-name", CLIP, "-H",
                    "X-Object-Meta-ContainerType: mp4")  # fmt: skip
        box, piece = await swift("stat", CONTAINER), await swift("stat", CONTAINER, CLIP)

        assert "Meta Triggeron: button" in box
        assert f"Content Length: {len(MEDIA)}" in piece
        assert "Meta Containertype: mp4" in piece
        assert await content_of(station, CLIP) == MEDIA
