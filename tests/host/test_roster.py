"""Who wears what, who is on duty; and what may be kept of where crews are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks import (
    ActivationId,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    FactId,
    Fix,
    Officer,
    Phase,
    Position,
)
from tests.host.acted import INCIDENT, press, running, tell
from tests.host.paper import until
from vms_plugin import upkeep
from vms_plugin.cli import main
from vms_plugin.roster import Line, Roster, Wearer, differs, read_roster
from vms_plugin.roster_table import UnreadableRosterError
from vms_plugin.settings import Settings
from vms_plugin.waypoint import assignments, forget_trails, keep_assignments, ways

PARIS = ZoneInfo("Europe/Paris")
CAMERA = DeviceId("axis:B8A44F00A001")
HEAD = "caméra;indicatif;matricule;agent;équipage;début;fin\n"


def local(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=PARIS)


def read(*rows: str, head: str = HEAD) -> Roster:
    return read_roster((head + "\n".join(rows) + "\n").encode(), PARIS)


def said(roster: Roster) -> list[str]:
    return [str(fault) for fault in roster.faults]


# --- the table ---


def test_a_camera_has_another_wearer_after_the_change_of_shift() -> None:
    roster = read(
        "B8A44F00A001;PM-214;17;Léa Martin;21;25/11/2026 06:00;25/11/2026 14:00",
        "B8A44F00A001;PM-118;23;Paul Durand;34;25/11/2026 14:00;",
    )
    worn = [roster.wearer(CAMERA, local(f"25/11/2026 {hour}")) for hour in ("13:59", "14:00")]

    assert worn[0] == Wearer(call_sign="PM-214", id="17", name="Léa Martin", crew="crews:21")
    assert worn[1] is not None
    assert worn[1].call_sign == "PM-118"
    assert roster.wearer(CAMERA, local("25/11/2026 05:59")) is None
    assert said(roster) == []


def test_a_day_alone_is_the_whole_day() -> None:
    roster = read("B8A44F00A001;PM-214;;;;25/11/2026;25/11/2026")

    assert roster.wearer(CAMERA, local("25/11/2026 00:00")) is not None
    assert roster.wearer(CAMERA, local("25/11/2026 23:59")) is not None
    assert roster.wearer(CAMERA, local("26/11/2026 00:00")) is None


def test_hours_are_the_towns_through_a_change_of_time() -> None:
    roster = read("B8A44F00A001;PM-214;;;;24/10/2026 22:00;25/10/2026 06:00")

    assert roster.wearer(CAMERA, datetime(2026, 10, 25, 4, 59, tzinfo=UTC)) is not None
    assert roster.wearer(CAMERA, datetime(2026, 10, 25, 5, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffcaméra;indicatif\nB8A44F00A001;PM-214\n".encode(),
        "caméra;indicatif\nB8A44F00A001;PM-214\n".encode("cp1252"),
        b"Camera,Call sign\r\nB8A44F00A001,PM-214\r\n",
        b"INDICATIF\tCAMERA\nPM-214\tB8A44F00A001\n",
        "Indicatif;Numéro de série\nPM-214;axis:B8A44F00A001\n".encode(),
        "caméra;indicatif\nb8a44f00a001;PM-214\n".encode(),
        "caméra\tindicatif\r\nB8A44F00A001\tPM-214\r\n".encode("utf-16"),
        "caméra;indicatif\rB8A44F00A001;PM-214\r".encode(),
        "sep=;\r\ncaméra;indicatif\r\nB8A44F00A001;PM-214\r\n".encode(),
        "Service de novembre;\n;\ncaméra;indicatif\nB8A44F00A001;PM-214\n".encode(),
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(text: bytes) -> None:
    worn = read_roster(text, PARIS).wearer(CAMERA, datetime.now(UTC))

    assert worn is not None
    assert worn.call_sign == "PM-214"


@pytest.mark.parametrize(
    "text",
    [
        b"", b"a;b\n1;2\n", b"\x00\x01", b"x" * 5_000_001, b"PK\x03\x04" + bytes(range(256)),
    ],
)  # fmt: skip
def test_what_is_no_roster_is_refused_in_words(text: bytes) -> None:
    with pytest.raises(UnreadableRosterError) as caught:
        read_roster(text, PARIS)

    assert str(caught.value.why)


@pytest.mark.parametrize("below", ["", 'B8A44F00A002;PM-118;;"Paul";;;\n'])
def test_a_quotation_mark_never_closed_swallows_no_row(below: str) -> None:
    text = f'{HEAD}B8A44F00A003;"PM-7;;;;;\nB8A44F00A001;PM-214;;;;;\n{below}'

    with pytest.raises(UnreadableRosterError) as caught:
        read_roster(text.encode(), PARIS)

    assert caught.value.why.params == {"line": 2}


@pytest.mark.parametrize("end", ["31/12/9999", "31/12/9999 23:59", "9999-12-31T00:00:00"])
def test_the_end_of_time_is_no_end(end: str) -> None:
    roster = read(f"B8A44F00A001;PM-214;;;;01/01/0001;{end}")

    assert said(roster) == []
    assert roster.lines[0].period() == ("", "")


@pytest.mark.parametrize("end", ["25/11/2026 24:00", "2026-11-25T24:00:00"])
def test_a_shift_may_end_at_twenty_four_hours(end: str) -> None:
    roster = read(f";;;;21;25/11/2026 16:00;{end}", ";;;;22;25/11/2026 24:00;26/11/2026 25:00")

    at = [local(f"{each}") for each in ("25/11/2026 23:59", "26/11/2026 00:00")]
    assert [roster.on_duty(CrewId("crews:21"), each) for each in at] == [True, False]
    assert [fault.split(":")[0] for fault in said(roster)] == ["row 3"]


def test_a_table_whose_beginnings_are_not_read_says_so() -> None:
    roster = read("B8A44F00A001;PM-214;25/11/2026 06:00", head="caméra;indicatif;dbut\n")

    assert said(roster) == ["no column says from when a row is true; not read: dbut"]


def test_a_column_that_says_nothing_here_is_no_fault() -> None:
    roster = read("B8A44F00A001;PM-214;;rien", head="caméra;indicatif;début;observations\n")

    assert said(roster) == []
    assert roster.unread == ("observations",)


def test_a_faulty_row_is_named_and_costs_itself_alone() -> None:
    roster = read(
        "B8A44F00A001;PM-214;;;;demain;",
        ";PM-118;;;;;",
        "B8A44F00A001;PM-118;;;;26/11/2026;25/11/2026",
        "B8A44F00A001;PM-207;;;;;",
    )

    assert [fault.split(":")[0] for fault in said(roster)] == ["row 2", "row 3", "row 4"]
    assert [line.row for line in roster.lines] == [5]


def test_rows_that_contradict_each_other_are_named_and_the_later_counts() -> None:
    roster = read(
        "B8A44F00A001;PM-214;;;;25/11/2026 06:00;25/11/2026 14:00",
        "B8A44F00A001;PM-118;;;;25/11/2026 13:00;",
        "B8A44F00A002;PM-118;;;;25/11/2026 15:00;",
    )

    assert said(roster) == [
        "rows 2 and 3: one camera on two people at once",
        "rows 3 and 4: one person with two cameras at once",
    ]
    worn = roster.wearer(CAMERA, local("25/11/2026 13:30"))
    assert worn is not None
    assert worn.call_sign == "PM-118"


def test_a_crew_is_on_duty_within_its_hours_and_nobody_knows_of_the_others() -> None:
    roster = read(";;;;21;25/11/2026 06:00;25/11/2026 14:00")
    crew = CrewId("crews:21")

    assert roster.on_duty(crew, local("25/11/2026 06:00")) is True
    assert roster.on_duty(crew, local("25/11/2026 14:00")) is False
    assert roster.on_duty(CrewId("crews:34"), local("25/11/2026 06:00")) is None
    assert roster.on_duty_since(crew, local("25/11/2026 09:00")) == local("25/11/2026 06:00")
    assert roster.on_duty_since(crew, local("25/11/2026 14:00")) is None


def test_the_hours_of_a_crew_are_its_own_however_its_name_is_typed() -> None:
    roster = read(";;;;ALPHA;;25/11/2026 14:00", ";;;;ineo:Alpha;25/11/2026 16:00;")

    at = [local(f"25/11/2026 {hour}") for hour in ("13:00", "15:00", "17:00")]
    assert [roster.on_duty(CrewId("crews:Alpha"), each) for each in at] == [True, False, False]
    assert [roster.on_duty(CrewId("ineo:alpha"), each) for each in at] == [True, False, True]
    assert roster.on_duty(CrewId("crews:"), at[0]) is None


def test_a_roster_of_years_is_not_walked_through_for_each_position(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    holds = Line.holds

    def counted(line: Line, at: datetime) -> bool:
        nonlocal looked
        looked += 1
        return holds(line, at)

    rows = [f";;;;{n % 300};{1 + n % 28:02d}/11/2026 06:00;" for n in range(3000)]
    roster = read(*rows, *(f"C{n};PM-{n};;;;;" for n in range(300)))
    monkeypatch.setattr(Line, "holds", counted)
    assert roster.on_duty(CrewId("crews:21"), local("30/11/2026 09:00")) is True
    assert roster.wearer(DeviceId("axis:c21"), local("30/11/2026 09:00")) is not None

    assert looked <= 11


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(body: bytes) -> None:
    try:
        roster = read_roster(body, PARIS)
    except UnreadableRosterError as refused:
        roster = Roster(faults=(refused.why,))

    assert all(str(fault) for fault in roster.faults)


# --- who is said twice ---


@pytest.mark.parametrize(
    ("officer", "wearer", "doubt"),
    [
        (Officer(call_sign="PM-214"), Wearer(call_sign="pm-214"), None),
        (Officer(call_sign="PM-214"), Wearer(), None),
        (Officer(name="LÉA  MARTIN"), Wearer(name="Léa Martin"), None),
        (Officer(call_sign="PM-118"), Wearer(call_sign="PM-214"),
         "the camera says PM-118, the roster PM-214: check who wears it"),
        (Officer(id="17"), Wearer(id="23"),
         "the camera and the roster name two people: check who wears it"),
    ],
)  # fmt: skip
def test_a_maker_who_says_otherwise_is_told(
    officer: Officer, wearer: Wearer, doubt: str | None
) -> None:
    found = differs(officer, wearer)

    assert (str(found) if found else None) == doubt


def test_r241_12_the_doubt_names_nobody() -> None:
    found = differs(Officer(name="Paul Durand"), Wearer(name="Léa Martin"))

    assert found is not None
    assert not {"Durand", "Martin"} & set(str(found).replace(":", " ").split())


# --- in the room ---


def fix(crew: str = "crews:21", lon: float = 4.08, age_s: float = 0, **known: object) -> CrewFix:
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    place = Position(lon=lon, lat=43.56, fixed_at=at)
    return CrewFix(
        id=FactId(f"{crew}:{lon}:{age_s}"), at=at, crew=CrewId(crew), position=place, **known  # type: ignore[arg-type]
    )  # fmt: skip


async def test_a_roster_is_in_force_when_it_is_saved_and_stays_when_it_is_spoilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.upkeep.WATCH_S", 0.02)
    path = tmp_path / "effectifs.csv"
    path.write_text(HEAD + "D;PM-214;;;;;\n")
    async with running(tmp_path, Settings(roster=path)) as engine:
        await tell(engine, press())
        picture = engine.pictures.get
        await until(lambda: (p := picture(INCIDENT)) and p.officer.call_sign == "PM-214")
        path.write_text(HEAD + "D;PM-118 bis;;;;;\n")
        await until(lambda: (p := picture(INCIDENT)) and p.officer.call_sign == "PM-118 bis")
        path.write_text("rien\n")
        await until(engine.roster.notes)
        assert "stays in force" in str(engine.roster.notes()[1])
        assert engine.roster.wearer(DeviceId("axis:D"), datetime.now(UTC)) is not None
        told = await assignments(engine.store, "axis:D")

    assert [(row[0], bool(row[-1])) for row in told] == [("PM-214", True), ("PM-118 bis", False)]


async def test_nobody_is_followed_off_duty(tmp_path: Path) -> None:
    path = tmp_path / "effectifs.csv"
    path.write_text(HEAD + ";;;;34;01/01/2020;01/01/2020\n")
    async with running(tmp_path, Settings(roster=path)) as engine:
        await until(engine.roster.lines)
        await tell(engine, fix("crews:21", status=CrewStatus.FREE), fix("crews:34"))
        await tell(engine, fix("crews:21", 4.09, status=CrewStatus.OFF_DUTY))
        kept = await engine.store.crew_facts()
        crews = engine.crews()

    assert [(crew.id, crew.position, crew.status) for crew in crews] == [
        ("crews:21", None, CrewStatus.OFF_DUTY), ("crews:34", None, CrewStatus.OFF_DUTY),
    ]  # fmt: skip
    assert [fact.position for fact in kept] == [None, None]


def hours(path: Path, start_s: float, end_s: float, crew: str = "21") -> Settings:
    """Write a roster: a crew is on duty from so many seconds from now, to so many."""
    now = datetime.now(PARIS)
    said = [f"{now + timedelta(seconds=each):%d/%m/%Y %H:%M:%S}" for each in (start_s, end_s)]
    table = path / "effectifs.csv"
    table.write_text(HEAD + f";;;;{crew};{said[0]};{said[1]}\n")
    return Settings(roster=table, timezone=PARIS, trail_days=2)


async def test_a_tracker_that_says_no_status_is_followed_again_when_the_shift_begins(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, hours(tmp_path, -3600, 3600)) as engine:
        await until(engine.roster.lines)
        await tell(engine, fix("crews:21", 4.01, age_s=7200))
        [asleep] = engine.crews()
        await tell(engine, fix("crews:21", 4.02))
        [awake] = engine.crews()
        rows = await engine.store.query("SELECT lon FROM waypoint")

    assert (asleep.status, asleep.position) == (CrewStatus.OFF_DUTY, None)
    assert (awake.status, awake.position and awake.position.lon) == (CrewStatus.UNKNOWN, 4.02)
    assert rows == [(4.02,)]


@pytest.mark.parametrize("status", [CrewStatus.OFF_DUTY, CrewStatus.BREAK])
async def test_a_tracker_that_goes_on_after_the_end_of_service_or_in_a_break_is_not_followed(
    tmp_path: Path, status: CrewStatus
) -> None:
    async with running(tmp_path, Settings(trail_days=2)) as engine:
        await tell(engine, fix("crews:21", 4.01, status=status), fix("crews:21", 4.02))
        await tell(engine, fix("crews:21", 4.03))
        [off] = engine.crews()
        board = engine.board.crews[CrewId("crews:21")].known
        rows = await engine.store.query("SELECT lon FROM waypoint")
        await tell(engine, CrewFix(id=FactId("crews:21:back"), at=datetime.now(UTC),
                                   crew=CrewId("crews:21"), status=CrewStatus.FREE))  # fmt: skip
        [back] = engine.crews()

    assert (off.status, off.position) == (status, None)
    assert "position" not in board
    assert rows == []
    assert (back.status, back.position) == (CrewStatus.FREE, None)


async def test_where_he_was_before_his_hours_is_not_kept_when_it_is_told_within_them(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, hours(tmp_path, -600, 3600)) as engine:
        await until(engine.roster.lines)
        late = fix("crews:21", 4.01, age_s=1200, status=CrewStatus.FREE)
        await tell(engine, replace(late, at=datetime.now(UTC)))
        [crew] = engine.crews()
        rows = await engine.store.query("SELECT lon FROM waypoint")

    assert (crew.status, crew.position, rows) == (CrewStatus.FREE, None, [])


async def test_at_the_end_of_his_hours_his_place_is_forgotten_though_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms_plugin.upkeep.TICK_S", 0.02)
    async with running(tmp_path, hours(tmp_path, -3600, -60)) as engine:
        await until(engine.roster.lines)
        await tell(engine, fix("crews:21", 4.01, age_s=120, status=CrewStatus.FREE))
        await until(lambda: engine.crews()[0].status is CrewStatus.OFF_DUTY)
        [kept] = await engine.store.crew_facts()
        board = engine.board.crews[CrewId("crews:21")].known

    assert kept.position is None
    assert "position" not in board


async def test_a_crew_engaged_stays_on_the_map_beyond_its_hours_until_it_is_called_back(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, hours(tmp_path, -3600, -60)) as engine:
        await until(engine.roster.lines)
        await tell(engine, press(), fix("crews:21", 4.01, age_s=120, status=CrewStatus.FREE))
        await engine.engage(INCIDENT, CrewId("crews:21"), "Léa")
        await tell(engine, fix("crews:21", 4.02))
        [working] = engine.crews()
        relieved = engine.patrols.relieved(datetime.now(UTC))
        await engine.release(INCIDENT, CrewId("crews:21"), "Léa")
        await tell(engine, fix("crews:21", 4.03))
        [home] = engine.crews()

    assert (working.position and working.position.lon, relieved) == (4.02, [])
    assert (home.status, home.position) == (CrewStatus.OFF_DUTY, None)


async def test_a_place_of_an_hour_ago_is_forgotten_on_the_board_and_on_the_disk(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as engine:
        await tell(engine, fix("crews:21", age_s=3700), fix("crews:34", age_s=60))
        await engine.patrols.forget()
        kept = {fact.crew: fact.position for fact in await engine.store.crew_facts()}
        places = {crew.id: crew.position for crew in engine.crews()}

    assert places[CrewId("crews:21")] is None
    assert places[CrewId("crews:34")] is not None
    assert kept[CrewId("crews:21")] is None
    assert kept[CrewId("crews:34")] is not None


async def test_the_way_of_a_crew_is_kept_with_its_incident_and_no_other_way_is(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as engine:
        await tell(engine, press(), fix("crews:21", 4.01), fix("crews:34", 4.02))
        await until(lambda: engine.pictures.get(INCIDENT))
        await engine.engage(INCIDENT, CrewId("crews:21"), "Léa")
        await tell(engine, fix("crews:21", 4.03), fix("crews:34", 4.04))
        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.close(INCIDENT, "Léa", "résolu")
        await tell(engine, fix("crews:21", 4.05))
        kept = await ways(engine.store, INCIDENT)
        rows = await engine.store.query("SELECT count(*) FROM waypoint")

    assert [(each.crew, each.lon) for each in kept] == [("crews:21", 4.03)]
    assert rows == [(1,)]


async def test_the_officers_way_is_forgotten_and_where_he_called_from_is_not(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    way = [
        Fix(
            id=FactId(f"axis:D:{n}"), at=now + timedelta(milliseconds=n), device=DeviceId("axis:D"),
            activation=ActivationId("axis:s1"), position=Position(lon=4.08 + n / 100, lat=43.56),
        )
        for n in range(1, 4)
    ]  # fmt: skip
    async with running(tmp_path, Settings(incident_trail_days=0)) as engine:
        await tell(engine, press(at=now, lon=None), fix("crews:21"), *way)
        picture = engine.pictures.get
        await until(lambda: (p := picture(INCIDENT)) and len(p.trail) == 3)
        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.close(INCIDENT, "Léa", "résolu")
        await until(lambda: (p := picture(INCIDENT)) and p.phase is Phase.CLOSED)
        while not await engine.store.pictures(closed=True):
            await engine.store.unread_count()
        early = await forget_trails(engine.store, now - timedelta(days=30))
        await upkeep._forget_the_trails(engine)
        again = await forget_trails(engine.store, datetime.now(UTC))
        kept = [each for each in await engine.store.facts_of(INCIDENT) if isinstance(each, Fix)]
        [drawn] = await engine.store.pictures(closed=True)
        rows = await engine.store.register_of(INCIDENT)

    assert (early, again) == ([], [])
    assert [each.position.lon for each in kept] == [4.09]
    assert (drawn.trail, drawn.situation.reinforcements) == ((), ())
    assert drawn.position is not None
    assert [(row[2], row[3]) for row in rows] == [("erasure", "Renfort")]


async def test_the_officer_is_not_followed_once_his_incident_is_closed(tmp_path: Path) -> None:
    now = datetime.now(UTC)

    def place(n: int, seconds: float) -> Fix:
        return Fix(
            id=FactId(f"axis:D:{n}"), at=now + timedelta(seconds=seconds),
            device=DeviceId("axis:D"), activation=ActivationId("axis:s1"),
            position=Position(lon=4.08 + n / 100, lat=43.56),
        )  # fmt: skip

    async with running(tmp_path) as engine:
        await tell(engine, press(at=now, lon=None), place(1, 0.001))
        await engine.take_in_charge(INCIDENT, "Léa")
        await engine.close(INCIDENT, "Léa", "résolu")
        closed = engine.board.incidents[INCIDENT].closed
        assert closed is not None
        over_s = (closed.at - now).total_seconds()
        await tell(engine, place(2, over_s - 0.0001), place(3, over_s + 0.001))
        kept = [each for each in await engine.store.facts_of(INCIDENT) if isinstance(each, Fix)]
        await engine.store.forget_strays(datetime.now(UTC))
        rows = await engine.store.query("SELECT count(*) FROM fact WHERE kind = 'Fix'")

    assert [each.id for each in kept] == ["axis:D:1", "axis:D:2"]
    assert rows == [(2,)]


async def test_where_a_device_of_no_incident_was_an_hour_ago_is_forgotten(tmp_path: Path) -> None:
    async with running(tmp_path) as engine:
        await tell(engine, *(
            Fix(id=FactId(f"axis:{name}:{age_s}"), at=datetime.now(UTC) - timedelta(seconds=age_s),
                device=DeviceId(f"axis:{name}"), position=Position(lon=4.08, lat=43.56))
            for name, age_s in (("D", 4000), ("D", 30), ("E", 4000))
        ))  # fmt: skip
        await engine.patrols.forget()
        tapes = {device: len(tape.fixes) for device, tape in engine.board.tapes.items()}

    assert tapes == {"axis:D": 1}


async def test_ways_outside_incidents_are_kept_only_where_the_town_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, Settings(trail_days=2)) as engine:
        await tell(engine, fix("crews:21", 4.01, age_s=3 * 86400), fix("crews:21", 4.02))
        await engine.patrols.forget()
        rows = await engine.store.query("SELECT lon FROM waypoint")

    assert rows == [(4.02,)]


# --- the commands ---


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., int]:
    (tmp_path / "effectifs.csv").write_text(
        HEAD + "B8A44F00A001;PM-214;17;Léa Martin;21;25/11/2026 06:00;25/11/2026 14:00\n"
    )
    config = tmp_path / "renfort.toml"
    config.write_text('[crews]\nroster = "effectifs.csv"\n')

    def run(*words: str) -> int:
        return main(["effectifs", *words, "--config", str(config)])

    return run


def test_the_table_is_checked_row_by_row(
    site: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site("verifier") == 0
    table = HEAD.strip() + ";observations\nB8A44F00A001;PM-214;;;;demain;\n"
    (tmp_path / "effectifs.csv").write_text(table)
    assert site("verifier") == 1

    out = capsys.readouterr().out
    assert "Colonnes non lues : observations." in out
    assert "1 lignes lues." in out
    assert "✗ ligne 2 : demain" in out


async def test_who_wore_a_camera_is_answered_from_memory(
    site: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "effectifs.csv"
    async with running(tmp_path, Settings(roster=path)) as engine:
        await until(engine.roster.lines)
        await keep_assignments(engine.store, engine.roster.lines(), datetime.now(UTC))
        await keep_assignments(engine.store, [], datetime.now(UTC))

    config = tmp_path / "renfort.toml"
    words = ["effectifs", "porteur", "B8A44F00A001", "--config", str(config)]
    assert await asyncio.to_thread(main, [*words, "--le", "25/11/2026 13:59"]) == 0
    assert await asyncio.to_thread(main, [*words, "--le", "25/11/2026 14:00"]) == 1
    words[2] = "axis:b8a44f00a001"
    assert await asyncio.to_thread(main, [*words, "--le", "25/11/2026 13:59"]) == 0
    assert await asyncio.to_thread(main, [*words, "--le", "hier"]) == 1

    out = capsys.readouterr().out
    assert "PM-214 · Léa Martin · 21, du 25/11/2026 06:00 au 25/11/2026 14:00" in out
    assert "repris le" in out


def test_ways_are_read_only_with_a_reason_and_that_is_registered(
    site: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site("trajets", "axis:s1") == 1
    assert site("trajets", "axis:s1", "--motif", "procédure 2026/431") == 0
    assert main(["registre", "exporter", "--config", str(tmp_path / "renfort.toml")]) == 0

    captured = capsys.readouterr()
    assert "--motif" in captured.err
    assert "procédure 2026/431" in captured.out
