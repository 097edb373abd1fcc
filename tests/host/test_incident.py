"""The incident and the board: the same whatever the order and the repetition of what is heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hooks import (
    Activation,
    ActivationId,
    ClosedElsewhere,
    CrewFix,
    CrewId,
    CrewStatus,
    DeviceId,
    End,
    EndReason,
    Fact,
    FactId,
    Fix,
    IncidentId,
    LinkChange,
    LiveList,
    Officer,
    Phase,
    Position,
    ReceivedElsewhere,
    SourceKind,
    TakenElsewhere,
)
from vms_plugin.board import Board
from vms_plugin.incident import (
    Closed,
    Engaged,
    Incident,
    Placed,
    Progressed,
    Released,
    TakenInCharge,
    Unplaced,
)

T0 = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DEVICE = DeviceId("axis:B8A44F00A001")
SESSION = ActivationId("axis:s1")
INCIDENT = IncidentId("axis:s1")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def press(fact: str = "axis:e1", seconds: float = 0, **known: Any) -> Activation:
    return Activation(
        id=FactId(fact), at=at(seconds), activation=SESSION, device=DEVICE, **known
    )  # fmt: skip


def end(seconds: float, reason: EndReason = EndReason.STOPPED, fact: str = "axis:e9") -> End:
    return End(id=FactId(fact), at=at(seconds), activation=SESSION, device=DEVICE, reason=reason)


def fix(seconds: float, lon: float = 4.08, fact: str = "") -> Fix:
    position = Position(lon=lon, lat=43.56, accuracy_m=6, fixed_at=at(seconds), source="gnss")
    return Fix(id=FactId(fact or f"axis:f{seconds}"), at=at(seconds), device=DEVICE,
               position=position)  # fmt: skip


def heard(*facts: Fact) -> Board:
    board = Board()
    for fact in facts:
        board.hear(fact)
    return board


def seen(board: Board) -> object:
    """Everything people may read off a board."""
    return {
        incident.id: (
            incident.facts,
            incident.phase,
            incident.owner,
            incident.engaged,
            incident.ended_at,
            incident.link_up,
            incident.officer,
            board.whereabouts(incident),
        )
        for incident in board.incidents.values()
    }, {card.id: card.crew for card in board.crews.values()}


moments = st.integers(0, 600)
sessions = st.sampled_from(["axis:s1", "axis:s2"])
devices = st.sampled_from(["axis:D1", "axis:D2"])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    number = draw(st.integers(0, 10**9))
    when, session, device = at(draw(moments)), draw(sessions), draw(devices)
    common: dict[str, Any] = {"id": FactId(f"axis:{number}"), "at": when}
    position = Position(
        lon=draw(st.floats(-180, 180)), lat=draw(st.floats(-90, 90)),
        fixed_at=draw(st.none() | moments.map(at)),
    )  # fmt: skip
    decided: dict[str, Any] = {
        **common,
        "incident": IncidentId(session),
        "by": draw(st.sampled_from("ab")),
    }
    live: dict[str, Any] = {
        **common,
        "activation": ActivationId(session),
        "device": DeviceId(device),
    }
    crew = CrewId(draw(st.sampled_from(["crews:1", "crews:2"])))
    return draw(
        st.sampled_from(
            [
                Activation(**live, position=draw(st.none() | st.just(position))),
                Fix(**common, device=DeviceId(device), position=position),
                End(**live, reason=draw(st.sampled_from(EndReason))),
                LinkChange(**live, up=draw(st.booleans())),
                CrewFix(**common, crew=crew, status=draw(st.sampled_from(CrewStatus)),
                        position=position),
                TakenInCharge(**decided),
                Engaged(**decided, crew=crew),
                Released(**decided, crew=crew),
                Placed(**decided, position=position),
                Closed(**decided, outcome="fini"),
            ]
        )
    )  # fmt: skip


@settings(max_examples=200)
@given(st.lists(facts(), max_size=12, unique_by=lambda fact: fact.id), st.randoms())
def test_any_order_and_any_repetition_give_the_same_board(told: list[Fact], random: object) -> None:
    shuffled = told + told[: len(told) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert seen(heard(*shuffled)) == seen(heard(*told))


class TwoHosts(RuleBasedStateMachine):
    """Two hosts hear the same facts, each in its own order: they always agree in the end."""

    @initialize()
    def start(self) -> None:
        self.first, self.waiting, self.second = Board(), list[Fact](), Board()

    @rule(fact=facts())
    def hear(self, fact: Fact) -> None:
        if any(fact.id == known.id for known in self.waiting):
            return
        self.first.hear(fact)
        self.waiting.append(fact)

    @rule(data=st.data())
    def tell_the_other_some(self, data: st.DataObject) -> None:
        for fact in data.draw(st.permutations(self.waiting)):
            self.second.hear(fact)

    @invariant()
    def both_agree_once_told(self) -> None:
        for fact in reversed(self.waiting):
            self.second.hear(fact)
        assert seen(self.second) == seen(self.first)


TwoHosts.TestCase.settings = settings(max_examples=30, stateful_step_count=12)
TestTwoHosts = TwoHosts.TestCase


def test_a_press_without_position_opens_at_once() -> None:
    board = heard(press())

    incident = board.incidents[INCIDENT]
    assert incident.phase is Phase.NEW
    assert board.whereabouts(incident) == (None, False, ())


def test_a_place_computed_seconds_before_the_press_is_his_place() -> None:
    board = heard(fix(-10), press())

    position, last_known, _ = board.whereabouts(board.incidents[INCIDENT])

    assert (position, last_known) == (fix(-10).position, False)


def test_the_last_place_before_the_press_is_told_as_old() -> None:
    board = heard(fix(-600), press())

    position, last_known, trail = board.whereabouts(board.incidents[INCIDENT])

    assert (position, last_known, trail) == (fix(-600).position, True, ())


def test_a_radios_place_of_unknown_age_is_told_as_old_until_it_knows_better() -> None:
    undated = Position(lon=4.07, lat=43.56, source="tetra")
    kept = replace(fix(1, fact="crews:f1"), position=undated)
    board = heard(press(kind=SourceKind.RADIO, position=undated), kept)
    first = board.whereabouts(board.incidents[INCIDENT])
    board.hear(fix(0.5, lon=4.09))
    later, worn = board.incidents[INCIDENT], heard(press(position=undated))

    assert first == (undated, True, ())
    assert board.whereabouts(later) == (fix(0.5, lon=4.09).position, False, (
        fix(0.5, lon=4.09).position,))  # fmt: skip
    assert worn.whereabouts(worn.incidents[INCIDENT])[:2] == (undated, False)


def test_a_fix_after_the_end_is_not_his_place_any_more() -> None:
    board = heard(press(), fix(5), end(10), fix(900, lon=5))

    position, _, _ = board.whereabouts(board.incidents[INCIDENT])

    assert position == fix(5).position


def test_an_operators_placing_counts_even_after_the_end() -> None:
    placed = Position(lon=4.09, lat=43.55, source="operator")
    board = heard(
        press(), fix(5), end(10),
        Placed(id=FactId("renfort:1"), at=at(20), incident=INCIDENT, by="Léa", position=placed),
    )  # fmt: skip

    assert board.whereabouts(board.incidents[INCIDENT])[0] == placed


def placed(seconds: float, *, instead: bool) -> Placed:
    position = Position(lon=4.09, lat=43.55, source="operator")
    return Placed(
        id=FactId(f"renfort:{seconds}"), at=at(seconds), incident=INCIDENT, by="Léa",
        position=position, instead=instead,
    )  # fmt: skip


def test_a_place_given_for_want_of_any_gives_way_to_the_devices_own() -> None:
    board = heard(press(), placed(4, instead=False), fix(5))

    assert board.whereabouts(board.incidents[INCIDENT])[0] == fix(5).position


def test_a_corrected_place_stands_whatever_the_device_says_until_it_is_taken_back() -> None:
    correction = placed(6, instead=True)
    board = heard(press(), fix(5), correction, fix(7), fix(8))
    incident = board.incidents[INCIDENT]

    assert board.has_fix(incident)
    assert board.whereabouts(incident) == (correction.position, False, (correction.position,))

    board.hear(Unplaced(id=FactId("renfort:back"), at=at(9), incident=INCIDENT, by="Marc"))
    assert board.whereabouts(board.incidents[INCIDENT])[0] == fix(8).position


def test_a_receiver_whose_clock_is_ahead_does_not_pin_him_for_ever() -> None:
    ahead = Fix(
        id=FactId("axis:ahead"), at=at(1), device=DEVICE,
        position=Position(lon=1, lat=1, fixed_at=at(10**7)),
    )  # fmt: skip
    board = heard(press(), ahead, fix(2))

    assert board.whereabouts(board.incidents[INCIDENT])[0] == fix(2).position


def test_the_first_operator_owns_the_incident() -> None:
    incident = Incident(id=INCIDENT).add(press())
    for name, seconds in (("Marc", 9), ("Léa", 4)):
        incident = incident.add(
            TakenInCharge(id=FactId(f"renfort:{name}"), at=at(seconds), incident=INCIDENT, by=name)
        )

    assert (incident.owner, incident.phase) == ("Léa", Phase.TAKEN)


def test_a_crew_called_back_is_no_longer_engaged() -> None:
    crew = CrewId("crews:21")
    sent = Engaged(id=FactId("r:1"), at=at(1), incident=INCIDENT, by="Léa", crew=crew)
    back = Released(id=FactId("r:2"), at=at(2), incident=INCIDENT, by="Léa", crew=crew)

    incident = Incident(id=INCIDENT).add(press()).add(back).add(sent)

    assert incident.engaged == ()
    assert [word.id for word in incident.orders[crew]] == ["r:1", "r:2"]


def test_an_end_without_a_start_is_an_incident_that_is_over() -> None:
    incident = heard(end(10)).incidents[INCIDENT]

    assert (incident.ended_at, incident.phase, incident.device) == (at(10), Phase.NEW, DEVICE)


def test_a_lost_link_ends_nothing() -> None:
    lost = LinkChange(id=FactId("l"), at=at(5), activation=SESSION, device=DEVICE, up=False)
    incident = heard(press(), lost).incidents[INCIDENT]

    assert incident.ended_at is None
    assert not incident.link_up


def test_what_a_list_omits_has_ended_unheard() -> None:
    board = heard(press())
    live = LiveList(id=FactId("axis:live:1"), at=at(30), active=())

    for fact in board.implied_by(live):
        board.hear(fact)

    assert board.incidents[INCIDENT].ended_at == at(30)
    assert board.implied_by(live) == []


def test_a_list_made_before_the_press_ends_nothing() -> None:
    assert (
        heard(press(seconds=10)).implied_by(LiveList(id=FactId("axis:l"), at=at(5), active=()))
        == []
    )


def test_another_makers_list_ends_nothing() -> None:
    live = LiveList(id=FactId("bosch:live:1"), at=at(30), active=())

    assert heard(press()).implied_by(live) == []


def test_a_server_that_forgot_and_remembers_brings_the_activation_back() -> None:
    board = heard(press())
    for number, active in ((1, ()), (2, (SESSION,))):
        live = LiveList(id=FactId(f"axis:live:{number}"), at=at(30 * number), active=active)
        for fact in board.implied_by(live):
            board.hear(fact)

    assert board.incidents[INCIDENT].ended_at is None


def test_an_end_that_was_heard_is_truer_than_one_inferred() -> None:
    incident = heard(press(), end(30, EndReason.MISSING, "a"), end(20, fact="b")).incidents[
        INCIDENT
    ]

    assert incident.ended_at == at(20)
    assert not incident.ended_by_inference


def test_in_doubt_it_is_no_drill() -> None:
    drill = press("axis:e1", exercise=True)
    real = press("axis:status", 1)

    assert heard(drill).incidents[INCIDENT].exercise
    assert not heard(drill, real).incidents[INCIDENT].exercise


def test_the_wearer_is_put_together_from_every_telling() -> None:
    from_list = press("axis:status", 1, officer=Officer(id="u1"), kind=SourceKind.UNKNOWN)
    event = press("axis:e1", 2, officer=Officer(call_sign="PM-214"))

    incident = heard(event, from_list).incidents[INCIDENT]

    assert (incident.officer.id, incident.officer.call_sign) == ("u1", "PM-214")
    assert incident.kind is SourceKind.BODY_WORN


def test_an_alert_nobody_took_never_closes_by_itself() -> None:
    unseen = heard(press(), end(10)).incidents[INCIDENT]
    taken = unseen.add(TakenInCharge(id=FactId("r:1"), at=at(5), incident=INCIDENT, by="Léa"))
    after = timedelta(seconds=300)

    assert not unseen.closes_by_itself(at(10_000), after)
    assert not taken.closes_by_itself(at(309), after)
    assert taken.closes_by_itself(at(310), after)


def test_two_operators_who_send_the_same_crew_give_one_order() -> None:
    crew = CrewId("crews:1")
    first = Engaged(id=FactId("r:1"), at=at(2), incident=INCIDENT, by="Léa", crew=crew)
    second = Engaged(id=FactId("r:2"), at=at(2.01), incident=INCIDENT, by="Marc", crew=crew)
    coming = Progressed(id=FactId("r:3"), at=at(2.005), incident=INCIDENT, by=crew, crew=crew,
                        status=CrewStatus.EN_ROUTE)  # fmt: skip
    back = Released(id=FactId("r:4"), at=at(5), incident=INCIDENT, by="Léa", crew=crew)

    incident = heard(press(), second, first, coming).incidents[INCIDENT]

    assert incident.orders == {crew: (first,)}
    assert incident.progress(crew) is CrewStatus.EN_ROUTE
    assert incident.add(back).engaged == ()


def test_a_crew_engaged_elsewhere_is_not_free_and_one_engaged_here_stays() -> None:
    other = IncidentId("axis:s2")
    crew = CrewId("crews:1")
    board = heard(
        press(),
        Activation(id=FactId("axis:e2"), at=at(1), activation=ActivationId("axis:s2"),
                   device=DeviceId("axis:D2")),
        CrewFix(id=FactId("c:1"), at=at(1), crew=crew, status=CrewStatus.EN_ROUTE),
        Engaged(id=FactId("r:1"), at=at(2), incident=INCIDENT, by="Léa", crew=crew),
    )  # fmt: skip

    [here] = board.crews_for(board.incidents[INCIDENT])
    [elsewhere] = board.crews_for(board.incidents[other])

    assert (here.status, elsewhere.status) == (CrewStatus.FREE, CrewStatus.ENGAGED)


def test_a_crew_that_tells_its_status_keeps_its_place() -> None:
    place = Position(lon=4, lat=43, fixed_at=at(0))
    crew = CrewId("crews:1")
    board = heard(
        CrewFix(id=FactId("c:2"), at=at(9), crew=crew, status=CrewStatus.FREE),
        CrewFix(id=FactId("c:1"), at=at(1), crew=crew, position=place, name="Brigade 1"),
    )

    known = board.crews[crew].crew

    assert (known.position, known.status, known.name) == (place, CrewStatus.FREE, "Brigade 1")


@pytest.mark.parametrize("names", [("c:1", "c:2"), ("c:2", "c:1")])
def test_of_two_places_of_one_moment_the_surer_stands(names: tuple[str, str]) -> None:
    sure = Position(lon=4, lat=43, fixed_at=at(0), accuracy_m=4.5)
    places = (sure, replace(sure, accuracy_m=None))
    told = [
        CrewFix(id=FactId(name), at=at(1), crew=CrewId("crews:1"), position=place)
        for name, place in zip(names, places, strict=True)
    ]

    for facts in (told, told[::-1]):
        assert heard(*facts).crews[CrewId("crews:1")].crew.position == sure


def elsewhere(kind: type[Any], seconds: float, by: str, **more: Any) -> Any:
    name = f"vms:{kind.__name__}{seconds}"
    return kind(id=FactId(name), at=at(seconds), incident=INCIDENT, by=by, **more)


def test_an_operator_who_acknowledges_in_the_vms_takes_it_in_charge() -> None:
    incident = Incident(id=INCIDENT).add(press())
    taken = incident.add(elsewhere(TakenElsewhere, 5, "DUPONT"))

    assert (taken.phase, taken.owner) == (Phase.TAKEN, "DUPONT")


def test_a_system_that_confirms_reception_takes_nothing_in_charge() -> None:
    incident = Incident(id=INCIDENT).add(press())
    for seconds in (3, 4):
        incident = incident.add(elsewhere(ReceivedElsewhere, seconds, "hyperviseur"))

    assert incident.received_by == ("hyperviseur",)
    assert incident.phase is Phase.NEW


def test_an_alarm_closed_in_the_vms_closes_the_incident() -> None:
    incident = Incident(id=INCIDENT).add(press())
    closed = incident.add(elsewhere(ClosedElsewhere, 60, "DUPONT", outcome="fausse alerte"))

    assert closed.phase is Phase.CLOSED
    assert closed.closed is not None
    assert closed.closed.outcome == "fausse alerte"


def test_what_is_said_elsewhere_of_an_incident_nobody_knows_is_dropped() -> None:
    board = Board()

    assert not board.knows_of(elsewhere(TakenElsewhere, 5, "DUPONT"))
    board.hear(press())
    assert board.knows_of(elsewhere(TakenElsewhere, 5, "DUPONT"))


def test_how_long_a_place_stands_for_now_is_of_the_source_that_told_it() -> None:
    def told(seconds: int, stale_s: float | None) -> CrewFix:
        place = Position(lon=4, lat=43, fixed_at=at(seconds))
        return CrewFix(id=FactId(f"c{seconds}"), at=at(seconds), crew=CrewId("crews:1"),
                       position=place, stale_after_s=stale_s)  # fmt: skip

    radio, tracker = told(0, 900), told(10, None)
    silent = replace(told(20, 900), position=None)

    for facts in permutations((radio, tracker, silent)):
        assert heard(*facts).crews[CrewId("crews:1")].crew.stale_after_s is None
