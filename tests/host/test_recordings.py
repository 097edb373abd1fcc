"""The archive: whole or not at all, one calendar month, gone for good, all in the register."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks import (
    DeviceId,
    Message,
    Officer,
    Piece,
    PieceKind,
    Recording,
    RecordingId,
    Refused,
    Unreachable,
)
from vms_plugin.recordings import Archive, open_archive
from vms_plugin.recordings.archive import StrangersError, UndestroyedError
from vms_plugin.recordings.checks import strangers
from vms_plugin.recordings.files import Bucket, Disk, new_name
from vms_plugin.recordings.ledger import (
    NotSetAsideError,
    Procedure,
    SetAside,
    UnknownRecordingError,
)
from vms_plugin.recordings.retention import Steady, keep_the_month
from vms_plugin.register import faults
from vms_plugin.settings import Settings, parse
from vms_plugin.store import Store

PARIS = ZoneInfo("Europe/Paris")
RECORDING = RecordingId("src:one")
DAY = datetime(2026, 1, 31, 14, 2, tzinfo=PARIS)
ASIDE = SetAside(
    at=DAY, who="Commandant Roy", procedure=Procedure.JUDICIAL, number="2026/0412",
    why="violences sur agent",
)  # fmt: skip


def configured(folder: Path, **own: Any) -> Settings:
    read = parse({"storage": {"path": "renfort.db"}}, folder)
    return replace(read, recordings=replace(read.recordings, free_floor_gb=0.0, **own))


class House:
    def __init__(self, folder: Path, **own: Any) -> None:
        self.settings = configured(folder, **own)
        self.store = Store(self.settings.database)
        self.archive: Archive = open_archive(self.settings, self.store)
        self.vault = self.archive.vault("src")

    async def take_in(
        self, at: datetime | None = DAY, name: RecordingId = RECORDING, **pieces: bytes
    ) -> None:
        told = Recording(
            id=name, device=DeviceId("src:c1"), officer=Officer(id="u1"), started_at=at
        )
        await self.vault.tell(told)
        for piece, content in (pieces or {"clip": b"picture and sound"}).items():
            kind = PieceKind.KEY if piece == "key" else PieceKind.VIDEO
            await self.vault.keep(Piece(recording=name, name=piece, kind=kind), chunks(content))

    async def lines(self) -> list[tuple[str, str, dict[str, str]]]:
        rows = await self.store.register()
        assert faults(rows) == []
        return [(row[2], row[3], json.loads(row[6])) for row in rows]

    def files(self) -> list[str]:
        return sorted(self.archive.files.names())


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.store.close()


# --- taken in ---


async def test_r241_14_collection_is_in_the_register_with_what_proves_the_content(
    house: House,
) -> None:
    await house.take_in(clip=b"x" * 3000)
    [(kind, who, detail)] = await house.lines()

    assert (kind, who) == ("collection", "Renfort")
    assert detail["sha256"] == hashlib.sha256(b"x" * 3000).hexdigest()
    assert (detail["device"], detail["bytes"], detail["piece"]) == ("src:c1", "3000", "clip")


@pytest.mark.parametrize("size", [0, 1, 999, 1 << 20, (1 << 20) + 1, 3 << 20])
async def test_what_went_in_comes_out(house: House, size: int) -> None:
    content = os.urandom(size)
    await house.take_in(clip=content)

    assert await house.archive.content(RECORDING, "clip", 10 << 20) == content
    assert len(house.files()) == 1


async def test_what_breaks_on_the_way_is_not_there(house: House) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (2 << 20)
        raise ConnectionResetError

    await house.vault.tell(Recording(id=RECORDING))
    with pytest.raises((ConnectionResetError, Unreachable)):
        await house.vault.keep(Piece(recording=RECORDING, name="clip"), broken())

    assert list(Path(house.settings.recordings.store).iterdir()) == []  # noqa: ASYNC240
    assert await house.lines() == []


async def test_a_piece_of_a_recording_nobody_told_is_refused(house: House) -> None:
    with pytest.raises(Unreachable, match="told first"):
        await house.vault.keep(Piece(recording=RECORDING, name="clip"), chunks(b"x"))


async def test_an_adapter_has_its_own_recordings_and_no_others(house: House) -> None:
    other = house.archive.vault("other")
    with pytest.raises(ValueError, match="other:"):
        await other.tell(Recording(id=RECORDING))
    await house.vault.remember("Users", "u1", {"name": "Léa"})

    assert await other.recall("Users", "u1") is None
    assert await house.vault.recall("Users", "u1") == {"name": "Léa"}


async def test_a_disk_nearly_full_is_a_refusal_and_the_journal_keeps_its_room(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    house.archive._limits = replace(house.settings.recordings, free_floor_gb=1e6)
    try:
        with pytest.raises(Refused, match="disk of recordings"):
            await house.take_in()
        assert house.files() == []
    finally:
        house.store.close()


async def test_a_disk_that_fails_is_told_as_not_now(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_bytes(b"a file where the folder should be")
    house = House(tmp_path)
    try:
        with pytest.raises(Unreachable, match="store fails"):
            await house.take_in()
    finally:
        house.store.close()


_UPLOAD = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_recordings import House, RECORDING
from hooks import Piece, Recording

async def endless():
    while True:
        yield b"m" * 1_000_000
        print("more", flush=True)

async def main():
    house = House(Path({folder!r}))
    await house.vault.tell(Recording(id=RECORDING))
    for number in range({whole}):
        async def short():
            yield b"m" * 2_000_000
        await house.vault.keep(Piece(recording=RECORDING, name=f"clip{{number}}"), short())
        print("kept", number, flush=True)
    await house.vault.keep(Piece(recording=RECORDING, name="last"), endless())

asyncio.run(main())
"""


@pytest.mark.system
@pytest.mark.parametrize("whole", [0, 3])
def test_a_kill_in_the_middle_of_an_upload_leaves_nothing_or_the_whole(
    whole: int, tmp_path: Path
) -> None:
    code = _UPLOAD.format(tests=str(Path(__file__).parent), folder=str(tmp_path), whole=whole)
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    kept = more = 0
    for line in running.stdout:
        kept += line.startswith("kept")
        more += line.startswith("more")
        if more == 5:
            break
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    there = [each.name for each in (tmp_path / "recordings").iterdir()]
    assert any(name.endswith(".part") for name in there)

    async def after() -> None:
        house = House(tmp_path)
        try:
            assert await house.archive.sweep() == 1
            [held] = await house.archive.ledger.held()
            assert [piece.size for piece in held.pieces] == [2_000_000] * kept
            assert kept == whole
            assert len(house.files()) == whole
            assert [line[0] for line in await house.lines()] == ["collection"] * whole
        finally:
            house.store.close()

    asyncio.run(after())


async def test_a_file_of_which_the_database_knows_nothing_is_swept(house: House) -> None:
    await house.take_in()
    writing = house.archive.files.write(new_name())
    writing.write(b"committed, then the power went")
    writing.commit()

    assert len(house.files()) == 2
    assert await house.archive.sweep() == 1
    assert await house.archive.content(RECORDING, "clip", 100) == b"picture and sound"


async def test_another_sites_store_is_not_swept_by_mistake(house: House, tmp_path: Path) -> None:
    """A trial host given the configuration of the true one must not destroy what that one keeps."""
    await house.take_in(DAY, RECORDING, **{f"clip{number}": b"evidence" for number in range(17)})
    (tmp_path / "trial").mkdir()
    trial = House(tmp_path / "trial", store=house.settings.recordings.store)
    with pytest.raises(StrangersError):
        await trial.archive.sweep()
    [said] = await asyncio.to_thread(lambda: [*strangers(trial.archive, trial.settings)])
    trial.store.close()

    assert len(house.files()) == 17
    assert await house.archive.sweep() == 0
    assert (said.well, said.said.params) == (False, {"count": 17})
    assert await asyncio.to_thread(lambda: [*strangers(house.archive, house.settings)]) == []


def test_a_name_that_is_not_ours_opens_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    for name in ("..", "../x", "A" * 32, "0" * 31, "0" * 32 + "\n", ""):
        with pytest.raises(ValueError, match="no name of ours"):
            disk.read(name)


# --- destroyed ---


async def test_r241_13_it_is_destroyed_when_the_month_is_over_and_not_before(house: House) -> None:
    await house.take_in(clip=b"film", key=b"locked key")
    assert await house.archive.destroy_due(datetime(2026, 2, 28, 23, 59, tzinfo=PARIS)) == 0
    assert len(house.files()) == 2

    assert await house.archive.destroy_due(datetime(2026, 3, 1, 0, 0, tzinfo=PARIS)) == 1

    assert house.files() == []
    assert await house.archive.ledger.held() == []
    kind, who, detail = (await house.lines())[-1]
    assert (kind, who) == ("erasure", "Renfort")
    assert detail == {"counted from": "recording", "last day": "2026-02-28", "pieces": "2"}
    assert (await house.store.register())[-1][5].startswith("CSI R241-13")
    assert await house.archive.destroy_due(datetime(2027, 1, 1, tzinfo=UTC)) == 0


async def test_r241_13_nothing_of_the_content_is_left_on_the_disk(house: House) -> None:
    await house.take_in(clip=b"NEEDLE-IN-THE-FILM" * 100)
    await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS))
    folder = Path(house.settings.database).parent

    left = [each for each in folder.rglob("*") if each.is_file()]
    assert left
    assert not [each for each in left if b"NEEDLE-IN-THE-FILM" in each.read_bytes()]


async def test_a_recording_without_date_is_counted_from_its_reception_and_that_is_said(
    house: House,
) -> None:
    await house.take_in(at=None)
    now = datetime.now(UTC)

    assert await house.archive.destroy_due(now + timedelta(days=27)) == 0
    assert await house.archive.destroy_due(now + timedelta(days=33)) == 1
    assert (await house.lines())[-1][2]["counted from"] == "reception"


async def test_a_clock_years_ahead_does_not_keep_a_recording_for_years(house: House) -> None:
    await house.take_in(at=datetime(2099, 1, 1, tzinfo=UTC))
    [held] = await house.archive.ledger.held()

    assert not held.dated(datetime.now(UTC))
    assert await house.archive.destroy_due(datetime.now(UTC) + timedelta(days=33)) == 1
    assert (await house.lines())[-1][2]["counted from"] == "reception"


async def test_r241_13_a_host_whose_clock_was_behind_destroys_nothing_early(house: House) -> None:
    """Received in 2025 by our own clock, before NTP set it right: the camera's day counts."""
    behind = datetime(2025, 1, 1, tzinfo=UTC)
    told = Recording(id=RECORDING, started_at=DAY)
    await house.archive.ledger.tell(told, behind)

    assert await house.archive.destroy_due(datetime(2026, 2, 28, 23, 59, tzinfo=PARIS)) == 0
    assert await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS)) == 1


async def test_r241_13_a_camera_weeks_ahead_keeps_nothing_for_weeks_more(house: House) -> None:
    received = datetime(2026, 1, 31, 12, tzinfo=UTC)
    told = Recording(id=RECORDING, started_at=received + timedelta(days=20))
    await house.archive.ledger.tell(told, received)

    assert await house.archive.destroy_due(datetime(2026, 2, 28, 23, 59, tzinfo=PARIS)) == 0
    assert await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS)) == 1


async def test_a_recording_docked_after_its_month_is_destroyed_at_once(house: House) -> None:
    await house.take_in(at=datetime(2020, 1, 1, tzinfo=UTC))

    assert await house.archive.destroy_due(datetime.now(UTC)) == 1
    assert [line[0] for line in await house.lines()] == ["collection", "erasure"]


async def destroyed(house: House) -> None:
    while len(await house.lines()) < 2:  # noqa: ASYNC110  (a clockwork tells nobody)
        await asyncio.sleep(0.01)


async def test_after_days_off_it_is_destroyed_at_the_start(house: House) -> None:
    await house.take_in(at=datetime(2024, 5, 6, tzinfo=UTC))
    told = list[Message | None]()
    clockwork = asyncio.create_task(keep_the_month(house.archive, told.append, every_s=3600))
    await destroyed(house)
    clockwork.cancel()

    assert (await house.lines())[-1][0] == "erasure"


async def test_a_clock_that_leaps_ahead_destroys_nothing_for_a_day(house: House) -> None:
    """A year mistyped and set right the same morning; a machine that slept loses a day at most."""
    wall, ticks = [DAY], [0.0]
    clock = Steady(lambda: wall[0], lambda: ticks[0])

    def after(seconds: float, leap: timedelta = timedelta()) -> datetime:
        wall[0] += timedelta(seconds=seconds) + leap
        ticks[0] += seconds
        return clock.now()

    year = timedelta(days=365)
    assert after(60) == DAY + timedelta(seconds=60)
    assert after(60, year) == DAY + timedelta(seconds=120)
    assert after(3600, -year) == wall[0]
    assert after(60, -timedelta(hours=5)) == wall[0]  # back: destroys later, never earlier
    assert after(60, year) < wall[0]
    assert after(86_000) < wall[0]
    assert after(400) == wall[0]
    assert after(60) == wall[0]


async def test_a_clock_that_is_not_believed_is_said(house: House) -> None:
    wall, told = [DAY], list[Message | None]()
    clock = Steady(lambda: wall[0], lambda: 0.0)
    wall[0] += timedelta(days=365)
    clockwork = asyncio.create_task(
        keep_the_month(house.archive, told.append, every_s=3600, clock=clock)
    )
    while not told:  # noqa: ASYNC110  (a clockwork tells nobody)
        await asyncio.sleep(0.01)
    clockwork.cancel()

    assert "leapt ahead" in str(told[0])


async def test_a_crash_between_decision_and_destruction_is_made_good(house: House) -> None:
    await house.take_in()
    [held] = await house.archive.ledger.held()
    assert await house.archive.ledger.doom(held, "CSI R241-13", {})

    assert await house.archive.sweep() == 0  # its file is known: it is not a stray
    assert [line[0] for line in await house.lines()] == ["collection"]
    assert await house.archive.destroy_due(datetime(2026, 2, 1, tzinfo=UTC)) == 1
    assert house.files() == []
    assert [line[0] for line in await house.lines()] == ["collection", "erasure"]


async def test_a_store_that_does_not_answer_stops_nothing_is_said_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take_in(at=datetime(2024, 5, 6, tzinfo=UTC))
    remove, told = house.archive.files.remove, list[Message | None]()

    def fails(name: str) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(house.archive.files, "remove", fails)
    logged = Mock()
    monkeypatch.setattr("vms_plugin.recordings.retention.log", logged)
    clockwork = asyncio.create_task(keep_the_month(house.archive, told.append, every_s=0.01))
    while not told:  # noqa: ASYNC110  (a clockwork tells nobody else)
        await asyncio.sleep(0.01)
    assert [line[0] for line in await house.lines()] == ["collection"]
    monkeypatch.setattr(house.archive.files, "remove", remove)
    await destroyed(house)
    while told[-1] is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    clockwork.cancel()

    assert house.files() == []
    assert str(told[0]) == "recordings past their month that cannot be destroyed: 1"
    [said] = logged.warning.call_args_list
    assert "Permission denied" in said.kwargs["why"]


async def test_r241_13_one_that_cannot_be_destroyed_keeps_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("src:one", "src:two", "src:three"):
        await house.take_in(name=RecordingId(name))
    [_, (_, stuck), _] = [
        (await house.archive.ledger.files_of(RecordingId(name)))[0]
        for name in ("src:one", "src:two", "src:three")
    ]
    remove = house.archive.files.remove

    def fails(name: str) -> None:
        if name == stuck:
            raise OSError("this object is locked")
        remove(name)

    monkeypatch.setattr(house.archive.files, "remove", fails)
    with pytest.raises(UndestroyedError, match="1 recordings"):
        await house.archive.destroy_due(datetime(2026, 4, 1, tzinfo=UTC))

    assert house.files() == [stuck]
    erased = [line[1] for line in await house.lines() if line[0] == "erasure"]
    assert erased == ["Renfort", "Renfort"]


# --- set aside ---


async def test_r241_13_what_is_set_aside_for_a_procedure_is_kept_and_released_it_goes(
    house: House,
) -> None:
    await house.take_in()
    await house.archive.ledger.set_aside(RECORDING, ASIDE)
    late = datetime(2027, 1, 1, tzinfo=UTC)

    assert await house.archive.destroy_due(late) == 0
    [held] = await house.archive.ledger.held()
    assert held.set_aside == (ASIDE,)
    kind, who, detail = (await house.lines())[-1]
    assert (kind, who) == ("modification", "Commandant Roy")
    assert detail == {"number": "2026/0412", "procedure": "judiciaire", "set aside": "yes"}

    await house.archive.ledger.release(RECORDING, "Commandant Roy", "classement sans suite")
    assert await house.archive.destroy_due(late) == 1
    assert [line[0] for line in await house.lines()][-2:] == ["modification", "erasure"]


async def test_r241_13_what_two_procedures_need_is_kept_until_both_let_it_go(house: House) -> None:
    """A complaint against an officer is often judicial and disciplinary at once."""
    ledger, late = house.archive.ledger, datetime(2027, 1, 1, tzinfo=UTC)
    await house.take_in()
    await ledger.set_aside(RECORDING, ASIDE)
    inside = replace(ASIDE, procedure=Procedure.DISCIPLINARY, number="D-3")
    await ledger.set_aside(RECORDING, inside)

    with pytest.raises(NotSetAsideError):  # of which of the two?
        await ledger.release(RECORDING, "Roy", "classée")
    await ledger.release(RECORDING, "Roy", "classée", "disciplinaire", "D-3")
    assert await house.archive.destroy_due(late) == 0
    with pytest.raises(NotSetAsideError):
        await ledger.release(RECORDING, "Roy", "classée", "disciplinaire", "D-3")
    await ledger.release(RECORDING, "Roy", "jugée")
    assert await house.archive.destroy_due(late) == 1
    numbers = [line[2].get("number") for line in await house.lines() if line[0] == "modification"]
    assert numbers == ["2026/0412", "D-3", "D-3", "2026/0412"]


async def test_one_told_again_while_its_files_resist_leaves_none_of_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take_in()
    monkeypatch.setattr(house.archive.files, "remove", Mock(side_effect=OSError("read-only")))
    for _ in range(2):
        with pytest.raises(UndestroyedError):
            await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS))
        await house.take_in()
    monkeypatch.undo()
    await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS))

    assert house.files() == []


async def test_what_is_set_aside_at_the_last_moment_is_not_destroyed(house: House) -> None:
    await house.take_in()
    [held] = await house.archive.ledger.held()
    await house.archive.ledger.set_aside(RECORDING, ASIDE)

    assert not await house.archive.ledger.doom(held, "CSI R241-13", {})
    assert len(house.files()) == 1


async def test_what_is_destroyed_cannot_be_set_aside(house: House) -> None:
    await house.take_in()
    await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS))

    with pytest.raises(UnknownRecordingError):
        await house.archive.ledger.set_aside(RECORDING, ASIDE)
    with pytest.raises(UnknownRecordingError):
        await house.archive.ledger.release(RECORDING, "Roy", "none")


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=6), st.integers(0, 450))
def test_r241_13_at_any_moment_what_is_left_is_what_may_be_kept(
    recorded: list[tuple[int, bool]], at: int
) -> None:
    start = datetime(2023, 11, 1, 12, tzinfo=PARIS)

    async def live(folder: Path) -> None:
        house = House(folder)
        try:
            for number, (days, aside) in enumerate(recorded):
                name = RecordingId(f"src:{number}")
                await house.take_in(start + timedelta(days=days), name)
                if aside:
                    await house.archive.ledger.set_aside(name, ASIDE)
            now = start + timedelta(days=at)
            await house.archive.destroy_due(now)
            left = {held.recording.id for held in await house.archive.ledger.held()}
            for number, (days, aside) in enumerate(recorded):
                last = house.archive.law.last_day(start + timedelta(days=days), now.date(), PARIS)
                assert (f"src:{number}" in left) == (aside or now.date() <= last)
            assert len(house.files()) == len(left)
            await house.lines()
        finally:
            house.store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


async def test_the_database_that_fails_is_told_as_not_now(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.take_in()

    async def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(house.store, "together", full)
    with pytest.raises(Unreachable, match="full"):
        await house.vault.keep(Piece(recording=RECORDING, name="more"), chunks(b"x"))

    assert len(house.files()) == 1


# --- an S3 store ---


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Moto's server: the S3 protocol on a real port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client_of(endpoint: str) -> Any:
    import botocore.session

    return botocore.session.get_session().create_client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k",
        aws_secret_access_key="s",
    )  # fmt: skip


def bucket(endpoint: str, name: str) -> str:
    client_of(endpoint).create_bucket(Bucket=name)
    return f"s3://{name}/csu"


def keep_versions(endpoint: str, where: str) -> None:
    client_of(endpoint).put_bucket_versioning(
        Bucket=where.split("/")[2], VersioningConfiguration={"Status": "Enabled"}
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("versions", ["never", "always", "since"])
async def test_an_s3_store_keeps_whole_objects_and_loses_every_version(
    s3: str, versions: str, tmp_path: Path
) -> None:
    where = bucket(s3, f"evidence-{versions}")
    if versions == "always":
        keep_versions(s3, where)
    house = House(tmp_path, store=where, s3_endpoint=s3, s3_key="k", s3_secret="s")
    large = os.urandom(9 << 20)  # more than one part
    try:
        assert isinstance(house.archive.files, Bucket)
        await house.take_in(clip=large, note=b"short", nothing=b"")
        assert len(house.files()) == 3
        assert await house.archive.content(RECORDING, "clip", 10 << 20) == large
        assert await house.archive.content(RECORDING, "note", 100) == b"short"
        assert await house.archive.content(RECORDING, "nothing", 100) == b""

        async def broken() -> AsyncIterator[bytes]:
            yield large
            raise ConnectionResetError

        with pytest.raises((ConnectionResetError, Unreachable)):
            await house.vault.keep(Piece(recording=RECORDING, name="cut"), broken())
        assert len(house.files()) == 3

        if versions == "since":  # what was there before has no version of its own
            keep_versions(s3, where)
        assert await house.archive.destroy_due(datetime(2026, 3, 1, tzinfo=PARIS)) == 1
        assert house.files() == []
        told = house.archive.files._system.call_s3(
            "list_object_versions", Bucket=where.split("/")[2]
        )
        assert not told.get("Versions")
        assert not told.get("DeleteMarkers")
    finally:
        house.store.close()
