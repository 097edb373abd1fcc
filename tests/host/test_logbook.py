"""The main courante: written by itself, in French, corrected and never erased."""

from __future__ import annotations

import base64
import csv
import io
import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hooks import (
    Activation,
    ActivationId,
    CameraId,
    ClosedElsewhere,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    End,
    EndReason,
    Escalation,
    Fact,
    FactId,
    Fix,
    IncidentId,
    LinkChange,
    Message,
    Officer,
    Position,
    ReceivedElsewhere,
    Trigger,
)
from tests.host.test_rights import decide, happen, room, state
from vms_plugin.cli import main
from vms_plugin.i18n import Language
from vms_plugin.incident import (
    Aimed,
    Closed,
    Decision,
    Engaged,
    Escalated,
    Explained,
    Informed,
    Noted,
    Placed,
    Progressed,
    Released,
    TakenInCharge,
    Unplaced,
)
from vms_plugin.logbook import Names, lines
from vms_plugin.store import KINDS, Store

FR = Language("fr")
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
INCIDENT = IncidentId("axis:s1")
CREW = CrewId("crews:21")
DEVICE = DeviceId("axis:d")
NAMES = Names(who="PM-214", crews={CREW: "Brigade 21"}, cameras={CameraId("vms:4"): "Gare"})


def at(second: float) -> dict[str, Any]:
    return {"id": FactId(f"renfort:{second}"), "at": NOW + timedelta(seconds=second)}


def by(second: float, who: str = "Léa") -> dict[str, Any]:
    return {**at(second), "incident": INCIDENT, "by": who}


PLACE = Position(lon=4.0853, lat=43.5606)
PRESS = Activation(
    **at(0), activation=ActivationId(INCIDENT), device=DEVICE, trigger=Trigger.BUTTON,
    officer=Officer(call_sign="PM-214"), position=PLACE,
)  # fmt: skip
NIGHT: tuple[tuple[Fact, str], ...] = (
    (PRESS, "Appel de PM-214 (bouton), à 43,56060, 4,08530."),
    (ReceivedElsewhere(**by(1, "Hyperviseur")), "Hyperviseur confirme avoir reçu l’alerte."),
    (Escalated(**by(30, "Renfort"), step=Escalation.ROOM),
     "Personne n’a confirmé : le second groupe est sollicité."),
    (TakenInCharge(**by(31)), "Léa confirme la réception et prend en charge."),
    (Informed(**by(32, "axis"), whom="wearer", well=True), "L’agent sait qu’il est vu."),
    (TakenInCharge(**by(33, "Marc")), "Marc confirme aussi la réception."),
    (Engaged(**by(34), crew=CREW, rank=2), "Léa engage Brigade 21, classé n° 2."),
    (Explained(**by(35), crew=CREW, reason="le premier est seul"),
     "Léa dit pourquoi Brigade 21 : le premier est seul"),
    (Informed(**by(36, "ineo"), whom=CREW, well=False),
     "Brigade 21 n’a pas pu recevoir l’ordre (ineo)."),
    (Progressed(**by(40, CREW), crew=CREW, status=CrewStatus.EN_ROUTE), "Brigade 21 est en route."),
    (LinkChange(**at(41), activation=ActivationId(INCIDENT), device=DEVICE, up=False),
     "La caméra a perdu sa liaison."),
    (Placed(**by(42), position=PLACE, instead=True), "Léa place l’agent : à 43,56060, 4,08530."),
    (Unplaced(**by(43)), "Léa retire le lieu indiqué."),
    (Aimed(**by(44), camera=CameraId("vms:4")), "Léa oriente la caméra Gare."),
    (Aimed(**by(45), camera=CameraId("vms:4"), done=False,
           how=Message(text="nothing installed can turn this camera")),
     "La caméra Gare ne s’est pas tournée : rien de ce qui est installé ne peut orienter cette "
     "caméra"),
    (Noted(**by(50), text="blessé léger"), "Note de Léa : blessé léger"),
    (Noted(**by(51), text="pas de blessé", corrects=FactId("renfort:50")),
     "Rectification de Léa : pas de blessé"),
    (Released(**by(60), crew=CREW), "Léa rappelle Brigade 21."),
    (Informed(**by(61, "ineo"), whom=CREW, well=True, call_back=True),
     "Brigade 21 est averti du rappel (ineo)."),
    (End(**at(70), activation=ActivationId(INCIDENT), device=DEVICE, reason=EndReason.STOPPED),
     "L’activation est terminée : l’agent, ou sa caméra, l’a arrêtée."),
    (Closed(**by(80), outcome="Résolu"), "Léa clôt : Résolu"),
    (ClosedElsewhere(**by(81, "XProtect"), outcome="Acquitté"),
     "XProtect clôt dans un autre système : Acquitté"),
)  # fmt: skip


def straight(text: str) -> str:
    return text.replace("’", "'")


@pytest.mark.parametrize(("fact", "said"), NIGHT, ids=[type(fact).__name__ for fact, _ in NIGHT])
def test_each_fact_is_a_sentence(fact: Fact, said: str) -> None:
    facts = [each for each, _ in NIGHT if each.at <= fact.at]

    assert straight(FR.message(lines(facts, NAMES)[-1].said)) == straight(said)


def test_every_kind_of_fact_that_is_journaled_of_an_incident_has_its_sentence() -> None:
    from vms_plugin.logbook import _TOLD

    decisions = {kind for kind in KINDS.values() if issubclass(kind, Decision)}
    assert decisions <= set(_TOLD)


def test_the_log_is_the_same_whatever_the_order_its_facts_came_in() -> None:
    facts = [fact for fact, _ in NIGHT]
    told = lines(facts, NAMES)

    assert lines(reversed(facts), NAMES) == told
    assert all(lines(some, NAMES) == told[:4] for some in permutations(facts[:4]))
    assert lines([*facts, *facts], NAMES) == told


def test_a_press_told_again_by_a_list_is_one_line_and_one_after_its_end_another() -> None:
    again = replace(PRESS, **at(5))
    end = End(**at(6), activation=ActivationId(INCIDENT), device=DEVICE)

    told = lines([PRESS, end, replace(PRESS, **at(9), position=None)], NAMES)

    assert len(lines([PRESS, again], NAMES)) == 1
    assert [FR.message(line.said) for line in told[1:]] == [
        "L’activation est terminée.", "L’activation est de nouveau en cours.",
    ]  # fmt: skip


def test_a_press_is_told_with_all_that_any_telling_of_it_knows() -> None:
    listed = replace(PRESS, **at(-0.001), position=None, trigger=Trigger.UNKNOWN)

    [line] = lines([listed, PRESS], NAMES)

    assert FR.message(line.said) == "Appel de PM-214 (bouton), à 43,56060, 4,08530."


def test_a_position_that_follows_the_press_is_told_once() -> None:
    lost = replace(PRESS, position=None)
    fixes = [
        Fix(**at(second), activation=ActivationId(INCIDENT), device=DEVICE, position=PLACE)
        for second in (4, 5)
    ]

    told = [FR.message(line.said) for line in lines([lost, *fixes], NAMES)]

    assert told == [
        "Appel de PM-214 (bouton), lieu inconnu.", "Position reçue : à 43,56060, 4,08530.",
    ]  # fmt: skip
    assert len(lines([PRESS, *fixes], NAMES)) == 1


def test_a_link_that_is_said_again_to_be_well_was_not_lost() -> None:
    press = Activation(**at(0), activation=ActivationId(INCIDENT), device=DEVICE)
    changes = [
        LinkChange(**at(second), activation=ActivationId(INCIDENT), device=DEVICE, up=up)
        for second, up in ((1, True), (2, False), (3, False), (4, True), (5, True))
    ]

    told = [FR.message(line.said) for line in lines([press, *changes], NAMES)][1:]

    assert told == ["La caméra a perdu sa liaison.", "La caméra a retrouvé sa liaison."]


def test_a_crew_sent_twice_in_the_same_breath_is_told_so() -> None:
    sent = [Engaged(**by(1), crew=CREW), Engaged(**by(2, "Marc"), crew=CREW)]
    again = [Released(**by(3), crew=CREW), Engaged(**by(4, "Marc"), crew=CREW)]

    told = [FR.message(line.said) for line in lines([*sent, *again], NAMES)]

    assert told == [
        "Léa engage Brigade 21.", "Marc engage aussi Brigade 21, déjà envoyé.",
        "Léa rappelle Brigade 21.", "Marc engage Brigade 21.",
    ]  # fmt: skip


def test_a_correction_leaves_the_line_it_corrects() -> None:
    told = lines([fact for fact, _ in NIGHT], NAMES)
    [wrong] = [line for line in told if line.id == "renfort:50"]

    assert wrong.corrected
    assert "blessé léger" in FR.message(wrong.said)


def test_an_exercise_says_so_in_its_first_word() -> None:
    [line] = lines([replace(PRESS, exercise=True)], NAMES)

    assert FR.message(line.said).startswith("EXERCICE. ")


# --- through the doors ---


async def a_night(engine: Any) -> None:
    await happen(engine, replace(PRESS, at=datetime.now(UTC), officer=Officer(
        call_sign="PM-214", name="Anne Lefort")))  # fmt: skip


async def log_of(client: Any) -> dict[str, Any]:
    told: dict[str, Any] = (await client.get(f"/api/incidents/{INCIDENT}/log")).json()
    return told


async def test_it_is_read_at_once_and_notes_are_taken_after_the_end_too(tmp_path: Path) -> None:
    async with room(tmp_path, "policier") as (client, engine):
        await a_night(engine)
        await decide(client, decision="take", incident=INCIDENT)
        await decide(client, decision="engage", incident=INCIDENT, crew=CREW)
        for _ in range(2):
            fix = CrewFix(id=FactId(f"crews:{_}"), at=datetime.now(UTC), crew=CREW,
                          status=CrewStatus.EN_ROUTE)  # fmt: skip
            await engine.hear([fix], datetime.now(UTC))
        note = await decide(client, decision="note", incident=INCIDENT, text="  deux témoins ")
        first = (await log_of(client))["lines"][-1]
        await decide(client, decision="close", incident=INCIDENT, outcome="Résolu")
        late = await decide(
            client, decision="note", incident=INCIDENT, text="trois", corrects=first["id"]
        )
        told = await log_of(client)
        views = (await log_of(client))["views"]

    assert (note.status_code, late.status_code) == (204, 204)
    assert [straight(line["text"]) for line in told["lines"]] == [
        "Appel de PM-214 (bouton), à 43,56060, 4,08530.",
        "Léa confirme la réception et prend en charge.", "Léa engage Brigade 21.",
        "Brigade 21 est en route.", "Note de Léa : deux témoins", "Léa clôt : Résolu",
        "Rectification de Léa : trois",
    ]  # fmt: skip
    assert told["lines"][4]["corrected"]
    assert told["closed"]
    assert "Lefort" not in str(told)
    assert [each["who"] for each in views] == ["Léa"]  # read once it was over


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"text": " "}, 400), ({"text": "x" * 5000}, 400), ({}, 400),
     ({"text": "x", "corrects": "no"}, 409)],
)  # fmt: skip
async def test_an_impossible_note_is_refused(
    tmp_path: Path, asked: dict[str, Any], status: int
) -> None:
    async with room(tmp_path, "policier") as (client, engine):
        await a_night(engine)
        answer = await decide(client, decision="note", incident=INCIDENT, **asked)

    assert answer.status_code == status


async def test_closing_asks_for_the_outcome(tmp_path: Path) -> None:
    async with room(tmp_path, "policier") as (client, engine):
        await a_night(engine)
        answer = await decide(client, decision="close", incident=INCIDENT, outcome="  ")

        assert answer.status_code == 400
        assert engine.board.incidents[INCIDENT].closed is None


def printed(pdf: bytes) -> str:
    """Read the words of a PDF that reportlab printed."""
    text = ""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            body = zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))
        except (ValueError, zlib.error):
            continue
        for word in re.findall(rb"\(((?:\\.|[^()\\])*)\) Tj", body):
            octal = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), word)
            text += octal.replace(b"\\(", b"(").replace(b"\\)", b")").decode("cp1252") + " "
    return text


async def test_it_leaves_the_room_as_pdf_and_csv_and_the_register_says_so(tmp_path: Path) -> None:
    async with room(tmp_path, "chef") as (client, engine):
        await a_night(engine)
        await decide(client, decision="note", incident=INCIDENT, text="=1+1 <b>& été")
        await decide(client, decision="note", incident=INCIDENT, text="😀")
        pdf = await client.get(f"/api/incidents/{INCIDENT}/log.pdf")
        sheet = await client.get(f"/api/incidents/{INCIDENT}/log.csv")
        rows = await engine.store.register_of(INCIDENT)

    words = printed(pdf.content)
    opened = f"{datetime.now(ZoneInfo('Europe/Paris')):%d/%m/%Y %H:}"
    assert pdf.headers["content-type"] == "application/pdf"
    assert "main-courante-" in pdf.headers["content-disposition"]
    assert "Main courante" in words
    assert "< b >& été" in words.replace("> &", ">&")
    assert "Anne Lefort" in words
    assert "Exporté par Léa" in words
    cells = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig")), delimiter=";"))
    assert cells[0][:3] == ["incident", "date et heure", "ligne"]
    assert cells[2][2] == "Note de Léa : =1+1 <b>& été"
    assert cells[1][1].startswith(opened)
    assert "U+1F600" in words.replace("[ ", "[")
    assert '{"' not in words
    assert [(row[2], row[3]) for row in rows] == [("communication", "Léa")] * 2


@pytest.mark.parametrize(("role", "status"), [("policier", 403), ("civil", 403), ("dpo", 200)])
async def test_r241_14_taking_it_out_of_the_room_is_a_right_apart(
    tmp_path: Path, role: str, status: int
) -> None:
    async with room(tmp_path, role) as (client, engine):
        await a_night(engine)
        answer = await client.get(f"/api/incidents/{INCIDENT}/log.csv")

    assert answer.status_code == status


async def test_past_incidents_are_listed_and_unknown_ones_are_not_found(tmp_path: Path) -> None:
    async with room(tmp_path, "policier") as (client, engine):
        await a_night(engine)
        await decide(client, decision="close", incident=INCIDENT, outcome="Résolu")
        while not (past := (await client.get("/api/incidents")).json()):
            await state(client)
        unknown = await client.get("/api/incidents/axis:none/log")

    assert [(each["incident"], each["outcome"]) for each in past] == [(INCIDENT, "Résolu")]
    assert unknown.status_code == 404


async def test_after_its_time_an_incident_is_erased_and_the_erasure_is_on_record(
    tmp_path: Path,
) -> None:
    from vms_plugin import upkeep

    old = datetime.now(UTC) - timedelta(days=3 * 366 + 2)
    async with room(tmp_path, "policier") as (_, engine):
        await happen(engine, replace(PRESS, at=old))
        await engine.hear([Closed(**{**by(1), "at": old}, outcome="Résolu")], old)
        while await engine.store.pictures(closed=False) or not (
            await engine.store.pictures(closed=True)
        ):
            await engine.store.unread_count()
        fresh = replace(PRESS, id=FactId("axis:e2"), activation=ActivationId("axis:s2"))
        await happen(engine, replace(fresh, at=datetime.now(UTC)))
        await upkeep._forget_the_old(engine)
        kept = await engine.store.facts_of(INCIDENT)
        rows = await engine.store.register_of(INCIDENT)
        others = await engine.store.facts_of(IncidentId("axis:s2"))

    assert kept == []
    assert [(row[2], row[3]) for row in rows] == [("erasure", "Renfort")]
    assert len(others) == 1


def test_the_command_exports_a_period_and_one_incident(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    config = tmp_path / "renfort.toml"
    config.write_text("", encoding="utf-8")

    async def night() -> None:
        async with room(tmp_path, "chef") as (client, engine):
            await a_night(engine)
            await decide(client, decision="take", incident=INCIDENT)

    asyncio.run(night())
    run = ["main-courante", "exporter"]
    by = ["--config", str(config), "--par", "Léa"]
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    assert main([*run, *by, "--du", str(today), "--out", str(tmp_path / "a.csv")]) == 0
    assert main([*run, INCIDENT, *by, "--out", str(tmp_path / "a.pdf")]) == 0
    tomorrow = str(today + timedelta(days=1))
    assert main([*run, *by, "--du", tomorrow, "--out", str(tmp_path / "b.pdf")]) == 1
    assert main(["main-courante", "lister", "axis:none", "--config", str(config)]) == 1
    assert "il n'y a pas d'incident" in straight(capsys.readouterr().err)
    assert main(["main-courante", "lister", "--config", str(config)]) == 0

    assert INCIDENT in capsys.readouterr().out
    assert "Léa confirme" in (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    store = Store(tmp_path / "renfort.db")
    kinds = [row[2:4] for row in asyncio.run(store.register())]
    store.close()
    assert kinds == [("communication", "Léa")] * 2
