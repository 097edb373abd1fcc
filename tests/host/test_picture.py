"""What people read: the truth, its age, and nothing in English."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hooks import (
    Activation,
    ActivationId,
    Camera,
    CameraId,
    Crew,
    CrewId,
    DeviceId,
    FactId,
    IncidentId,
    Message,
    Officer,
    Phase,
    Picture,
    PixelClass,
    Position,
    Reinforcement,
    Sighting,
    Situation,
    SourceKind,
    Trigger,
)
from vms_plugin.i18n import Language
from vms_plugin.incident import Incident
from vms_plugin.picture import compose, may_correlate, text, title, where
from vms_plugin.roster import Wearer

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
FR = Language("fr")
PICTURE = Picture(
    incident=IncidentId("axis:s1"), version=1, phase=Phase.NEW, opened_at=AT,
    device=DeviceId("axis:B8A44F00A001"), officer=Officer(call_sign="PM-214"),
    kind=SourceKind.BODY_WORN, trigger=Trigger.BUTTON,
    position=Position(lon=4.0853, lat=43.5606, accuracy_m=6.4, fixed_at=AT),
    situation=Situation(near="Rue Haute"),
)  # fmt: skip
CREW = Crew(id=CrewId("crews:21"), name="Brigade 21")
COMES = Reinforcement(crew=CREW, time_s=130, distance_m=900, by_road=True, fix_age_s=3, stale=False)
SEES = Sighting(
    camera=Camera(id=CameraId("m:1"), name="Gare"), distance_m=20, bearing_deg=0,
    density_px_m=80, pixel_class=PixelClass.DISCERN, must_turn=False, share=1,
)  # fmt: skip


def test_the_title_says_who_and_where() -> None:
    assert title(PICTURE, FR) == "AGENT EN DANGER : PM-214, Rue Haute"
    assert title(replace(PICTURE, exercise=True), FR).startswith("EXERCICE — ")
    unknown = replace(PICTURE, officer=Officer(), situation=Situation())
    assert title(unknown, FR) == "AGENT EN DANGER : caméra B8A44F00A001"
    radio = replace(unknown, device=DeviceId("crews:2010214"), kind=SourceKind.RADIO)
    assert title(radio, FR) == "AGENT EN DANGER : radio 2010214"
    assert title(replace(unknown, device=DeviceId("")), FR) == "AGENT EN DANGER : agent inconnu"


def test_a_place_is_said_with_how_sure_it_is() -> None:
    place = PICTURE.position
    assert place is not None
    blurred = replace(PICTURE, position=replace(place, accuracy_m=None))

    assert where(PICTURE, FR) == "Position : 43.56060, 4.08530, à 6 m près."
    assert where(blurred, FR) == "Position : 43.56060, 4.08530, précision inconnue."
    assert where(replace(PICTURE, position=None), FR) == "Position inconnue."


def test_an_old_place_is_never_said_as_the_present_one() -> None:
    old = replace(PICTURE, last_known=True)
    place = PICTURE.position
    assert place is not None

    assert where(old, FR).startswith("Dernière position connue, à ")
    assert "d’âge inconnu" in where(replace(old, position=replace(place, fixed_at=None)), FR)


def test_the_text_for_the_vms_says_all_that_matters() -> None:
    situation = Situation(near="Rue Haute", sightings=(SEES,), reinforcements=(COMES,))
    full = replace(PICTURE, situation=situation, link_up=False, ended_at=AT, owner="Léa")
    sent = replace(full, engaged=(CREW.id,), closed_by="Léa", outcome="Résolu")

    assert "Équipage le plus proche : Brigade 21, 2 min." in text(full, FR)
    assert "Caméras : Gare." in text(full, FR)
    assert "La caméra a perdu sa liaison." in text(full, FR)
    assert "Pris en charge par Léa." in text(full, FR)
    assert "Renfort engagé : Brigade 21." in text(sent, FR)
    assert "Clos par Léa : Résolu." in text(sent, FR)


def test_the_towns_roster_corrects_the_makers_name() -> None:
    press = Activation(
        id=FactId("axis:1"), at=AT, activation=ActivationId("axis:s1"),
        device=DeviceId("axis:D"), officer=Officer(call_sign="Dupont"),
    )  # fmt: skip
    incident = Incident(id=IncidentId("axis:s1")).add(press)

    picture = compose(
        incident, whereabouts=(None, False, ()), situation=Situation(), language=FR, version=1,
        wearer=Wearer(call_sign="PM-214", crew="crews:21"),
    )  # fmt: skip

    assert (picture.officer.call_sign, picture.officer.crew) == ("PM-214", "crews:21")


def test_l243_3_l242_4_no_camera_is_chosen_by_itself_for_a_vehicle_or_a_drone() -> None:
    def incident(kind: SourceKind) -> Incident:
        return Incident(id=IncidentId("a:s")).add(
            Activation(id=FactId("a:1"), at=AT, activation=ActivationId("a:s"),
                       device=DeviceId("a:d"), kind=kind)
        )  # fmt: skip

    assert [kind for kind in SourceKind if not may_correlate(incident(kind))] == [
        SourceKind.VEHICLE, SourceKind.DRONE,
    ]  # fmt: skip


def test_numbers_are_written_as_the_language_writes_them() -> None:
    message = Message(text="{km:.1f} km", params={"km": 1.25})

    assert FR.message(message) == "1,2 km"
    assert Language("en").message(message) == "1.2 km"


def test_a_strangers_broken_sentence_is_shown_rather_than_lost() -> None:
    assert "port" in FR.message(Message(text="no {door}", params={"port": 3}))
    assert FR.plural("{count} thing not shown yet", "{count} things not shown yet", 2) == (
        "2 éléments pas encore affichés"
    )
