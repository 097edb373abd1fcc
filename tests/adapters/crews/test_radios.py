"""Radios, trackers and clients: NMEA, TETRA LIP, Cursor on Target, sequences of texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
import takproto
from hypothesis import given
from hypothesis import strategies as st

from adapters.crews.decode import RS, Decoder
from adapters.crews.framing import messages
from adapters.crews.lip import read_report
from hooks import (
    Activation,
    CrewFix,
    End,
    Envelope,
    Fact,
    Fix,
    Malformed,
    Means,
    Position,
    SourceKind,
)
from hooks.testing import check_decoder, check_value

NOW = datetime(2026, 11, 23, 17, 4, 10, tzinfo=UTC)


def decode(
    body: bytes | str, *, by: Decoder | None = None, sender: str = "10.1.2.3", at: datetime = NOW
) -> list[Fact]:
    raw = body.encode() if isinstance(body, str) else body
    envelope = Envelope(adapter="crews", body=raw, received_at=at, channel="radio", sender=sender)
    return list((by or Decoder()).decode(envelope))


def with_fault(body: bytes | str) -> tuple[list[Fact], Malformed]:
    """Give what was told before the fault, and the fault."""
    facts: list[Fact] = []
    raw = body.encode() if isinstance(body, str) else body
    message = Envelope(adapter="crews", body=raw, received_at=NOW, sender="10.9.9.9")
    with pytest.raises(Malformed) as caught:
        facts.extend(Decoder().decode(message))
    return facts, caught.value


def crew(facts: list[Fact]) -> CrewFix:
    [fix] = [fact for fact in facts if isinstance(fact, CrewFix)]
    return fix


def place(fix: CrewFix) -> Position:
    assert fix.position is not None
    return fix.position


# --- NMEA ---


def nmea(body: str, tag: str = "") -> str:
    def summed(text: str) -> str:
        return f"{text}*{reduce(lambda a, b: a ^ ord(b), text, 0):02X}"

    return (f"\\{summed(tag)}\\" if tag else "") + f"${summed(body)}\r\n"


RMC = "GPRMC,170405.00,A,4333.6360,N,00405.1180,E,12.4,084.4,231126,,,A"
GGA = "GPGGA,170405.00,4333.6360,N,00405.1180,E,1,08,0.9,12.0,M,48.0,M,,"


def test_a_vehicle_s_place_is_read_with_its_own_time() -> None:
    fix = crew(decode(nmea(RMC)))

    assert fix.crew == "crews:10.1.2.3"
    assert place(fix).lon == pytest.approx(4.0853, abs=1e-6)
    assert place(fix).lat == pytest.approx(43.5606, abs=1e-6)
    assert place(fix).fixed_at == datetime(2026, 11, 23, 17, 4, 5, tzinfo=UTC)
    assert place(fix).accuracy_m is None


def test_the_dilution_says_how_sure_it_is() -> None:
    fix = crew(decode(nmea(RMC) + nmea(GGA)))

    assert place(fix).accuracy_m == pytest.approx(4.5)


@pytest.mark.parametrize("talker", ["GN", "GL", "GA", "GB", "II"])
def test_any_talker_s_place_is_read(talker: str) -> None:
    gns = f"{talker}GNS,170405.00,4333.6360,N,00405.1180,E,RRNN,12,0.8,12.0,48.0,,,V"

    fix = crew(decode(nmea(gns)))

    assert place(fix).lat == pytest.approx(43.5606, abs=1e-6)
    assert place(fix).accuracy_m == pytest.approx(4.0)


def test_what_ships_and_satellites_say_between_the_places_is_no_fault() -> None:
    others = (
        "!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\r\n"
        + nmea("GPXYZ,1,2,3") + nmea("GPTXT,01,01,02,ANTSTATUS=OK") + nmea("CCGPQ,GGA")
        + nmea("PGRME,15.0,M,45.0,M,25.0,M")
    )  # fmt: skip

    assert [place(crew(decode(others + nmea(RMC)))).source] == ["nmea"]


@pytest.mark.parametrize(
    "sentence",
    [
        RMC.replace("4333.6360", "4360.6360"),  # minutes past sixty
        RMC.replace(",N,", ",,"),
        RMC.replace(",E,", ",Q,"),
        RMC.replace("170405.00", "70405"),
    ],
)
def test_a_place_or_an_hour_that_cannot_be_is_named_and_not_guessed(sentence: str) -> None:
    facts, fault = with_fault(nmea(sentence))

    assert facts == []
    assert fault.field == "line 1"


def test_a_sentence_refused_is_named_without_where_it_was() -> None:
    _, fault = with_fault(f"${RMC}\r\n")

    assert str(fault).startswith("line 1 = '$GPRMC,17040…")
    assert "4333" not in str(fault)


def test_the_tag_block_says_whose_it_is() -> None:
    facts = decode(nmea(RMC, tag="s:VEH21,n:1") + nmea(RMC, tag="s:VEH34"))

    assert [fact.crew for fact in facts if isinstance(fact, CrewFix)] == [
        "crews:VEH21", "crews:VEH34",
    ]  # fmt: skip


def test_sentences_of_one_group_are_of_one_sender() -> None:
    facts = decode(nmea(RMC, tag="g:1-2-73,s:VEH21") + nmea(GGA, tag="g:2-2-73"))

    assert {fact.crew for fact in facts if isinstance(fact, CrewFix)} == {"crews:VEH21"}


def test_the_town_s_name_of_a_tracker_is_used() -> None:
    fix = crew(decode(nmea(RMC), by=Decoder({"10.1.2.3": "21"})))

    assert fix.crew == "crews:21"


@pytest.mark.parametrize(
    "sentence",
    [
        RMC.replace(",A,", ",V,", 1),
        GGA.replace(",E,1,", ",E,0,"),
        GGA.replace(",E,1,", ",E,8,"),
        "GPRMC,170405.00,A,,,,,12.4,084.4,231126,,,A",
        "GPRMC,170405.00,A,0000.0000,N,00000.0000,E,0,0,231126,,,A",
        "GPGSV,1,1,00",
    ],
)
def test_a_receiver_without_a_fix_tells_no_place(sentence: str) -> None:
    assert decode(nmea(sentence)) == []


def test_an_hour_before_midnight_heard_after_it_is_yesterday_s() -> None:
    at = datetime(2026, 11, 24, 0, 0, 3, tzinfo=UTC)

    fix = crew(decode(nmea(GGA.replace("170405", "235958")), at=at))

    assert place(fix).fixed_at == datetime(2026, 11, 23, 23, 59, 58, tzinfo=UTC)


def test_a_receiver_whose_weeks_rolled_over_keeps_its_hour_and_is_told() -> None:
    facts, fault = with_fault(nmea(RMC.replace("231126", "090407")))

    assert place(crew(facts)).fixed_at == datetime(2026, 11, 23, 17, 4, 5, tzinfo=UTC)
    assert fault.field == "line 1.date"


@pytest.mark.parametrize("line", [RMC, f"${RMC}*00", "$GPRMC", "\\s:A*00\\" + nmea(RMC).strip()])
def test_a_damaged_sentence_is_named_by_its_line(line: str) -> None:
    body = nmea(GGA) + line + "\r\n" + nmea(RMC, tag="s:OK")
    facts, fault = with_fault(body)

    assert fault.field == "line 2"
    assert len(facts) == 2


# --- TETRA LIP ---


def bits(*fields: tuple[int, int]) -> str:
    """Write fields (value, bits) in hexadecimal, after the protocol identifier."""
    text = "".join(format(value & ((1 << size) - 1), f"0{size}b") for value, size in fields)
    text = format(0x0A, "08b") + text
    text += "0" * (-len(text) % 4)
    return format(int(text, 2), f"0{len(text) // 4}X")


def lonlat(lon: float, lat: float) -> tuple[tuple[int, int], tuple[int, int]]:
    return (round(lon * 2**25 / 360), 25), (round(lat * 2**24 / 180), 24)


def short(lon: float, lat: float, *, elapsed: int = 0, error: int = 1, reason: int = 130) -> str:
    return bits((0, 2), (elapsed, 2), *lonlat(lon, lat), (error, 3), (0, 7), (0, 4), (0, 1),
                (reason, 8))  # fmt: skip


@given(st.floats(-179.9, 179.9), st.floats(-89.9, 89.9))
def test_a_short_report_gives_the_place_to_a_metre_or_two(lon: float, lat: float) -> None:
    report = read_report(short(lon, lat), NOW)

    assert report is not None
    if report.position is not None:
        assert report.position.lon == pytest.approx(lon, abs=6e-6)
        assert report.position.lat == pytest.approx(lat, abs=6e-6)


def test_a_long_report_recorded_on_the_air_is_read() -> None:
    """A report of a real radio, published with its place: Western Australia."""
    report = read_report("0A4EC8F2B154F2F2BC0EF7A0183D1FC4410", NOW)

    assert report is not None
    assert report.position is not None
    assert (round(report.position.lon, 4), round(report.position.lat, 4)) == (117.8382, -22.1711)
    assert report.position.accuracy_m == pytest.approx(0.98, abs=0.01)
    assert report.reason == 130  # the greatest distance between two reports


@pytest.mark.parametrize(
    ("shape", "more", "accuracy_m"),
    [
        (1, (), None),
        (2, ((10, 6),), 2 * 1.2**15 - 4),
        (3, ((10, 6), (3, 6), (0, 8), (0, 3)), 2 * 1.2**15 - 4),
        (4, ((500, 12),), None),
        (5, ((10, 6), (500, 12)), 2 * 1.2**15 - 4),
        (7, ((10, 6), (500, 12), (0, 3)), 2 * 1.2**15 - 4),
        (10, ((2, 3),), 200),
    ],
)
@pytest.mark.parametrize("velocity", range(8))
def test_a_long_report_of_any_shape_and_velocity_is_read_to_its_end(
    shape: int, more: tuple[tuple[int, int], ...], accuracy_m: float | None, velocity: int
) -> None:
    size = (0, 7, 10, 15, 21, 15, 21, 32)[velocity]
    moved = ((0, size),) if size else ()
    text = bits((1, 2), (3, 4), (1, 2), (0, 2), (shape, 4), *lonlat(4.0853, 43.5606), *more,
                (velocity, 3), *moved, (0, 1), (0, 1), (2, 8))  # fmt: skip

    report = read_report(text, NOW)

    assert report is not None
    assert report.reason == 2
    assert report.position is not None
    assert report.position.accuracy_m == pytest.approx(accuracy_m)


def test_the_day_of_a_report_is_the_last_such_day() -> None:
    text = bits((1, 2), (3, 4), (2, 2), (30, 5), (23, 5), (59, 6), (58, 6), (1, 4),
                *lonlat(4.0853, 43.5606), (0, 3), (0, 1), (0, 1), (129, 8))  # fmt: skip

    report = read_report(text, datetime(2026, 12, 1, 0, 0, 3, tzinfo=UTC))

    assert report is not None
    assert report.position is not None
    assert report.position.fixed_at == datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(("elapsed", "age_s"), [(0, 5), (1, 300), (2, 1800)])
def test_a_place_is_as_old_as_it_can_be(elapsed: int, age_s: int) -> None:
    fix = crew(decode(json.dumps({"issi": 2010214, "sds": short(4.0, 43.5, elapsed=elapsed)})))

    assert place(fix).fixed_at == NOW - timedelta(seconds=age_s)


def test_a_place_of_unknown_age_is_nobody_s() -> None:
    assert decode(json.dumps({"issi": 2010214, "sds": short(4.0, 43.5, elapsed=3)})) == []


def test_what_a_radio_says_on_its_interface_is_read() -> None:
    body = f"+CTSDSR: 12,2010214,0,2010001,0,84\r\n{short(4.0853, 43.5606)}\r\n"

    fix = crew(decode(body, by=Decoder({"2010214": "21"})))

    assert fix.crew == "crews:21"
    assert place(fix).accuracy_m == 20


def test_what_else_a_radio_s_interface_says_is_no_fault() -> None:
    others = ["OK", "+CTXG: 1,3,0,0,2010214", "+CREG: 1", "ERROR", "+CTSDSR: 13,1,0,2,0,16\r\n8004"]
    heard = f"+CTSDSR: 12,2010214,0,2010001,0,84\r\n{short(4.0853, 43.5606)}"

    assert [decode(f"{each}\r\n") for each in others] == [[]] * len(others)
    assert len(decode("\r\n".join([*others, heard, ""]))) == 1


@pytest.mark.parametrize("reason", [0, 3, 129, 255])
def test_an_ordinary_report_opens_nothing(reason: int) -> None:
    facts = decode(json.dumps({"issi": "7", "sds": short(4.0, 43.5, reason=reason)}))

    assert [type(fact) for fact in facts] == [CrewFix]


def test_an_emergency_opens_an_incident_of_its_own_kind() -> None:
    body = json.dumps({"issi": "2010214", "sds": short(4.0853, 43.5606, reason=2)})

    facts = decode(body, by=Decoder({"2010214": "PM-214"}))

    [press] = [fact for fact in facts if isinstance(fact, Activation)]
    assert press.kind is SourceKind.RADIO
    assert press.device == "crews:PM-214"
    assert press.officer.call_sign == "PM-214"
    assert press.position is not None


def test_who_calls_is_not_offered_as_his_own_reinforcement() -> None:
    body = json.dumps({"issi": "7", "sds": short(4.0853, 43.5606, reason=2)})
    facts = decode(body)

    [press] = [fact for fact in facts if isinstance(fact, Activation)]
    assert press.officer.crew == crew(facts).crew


def test_an_emergency_repeated_is_one_call_and_another_later_is_another() -> None:
    decoder = Decoder()
    body = json.dumps({"issi": "7", "sds": short(4.0, 43.5, reason=2)})
    times = [0, 30, 600, 1400, 1400 + 901]

    calls = [
        fact.activation
        for seconds in times
        for fact in decode(body, by=decoder, at=NOW + timedelta(seconds=seconds))
        if isinstance(fact, Activation)
    ]

    assert len(set(calls[:4])) == 1
    assert calls[4] != calls[3]


def test_who_calls_is_followed_whatever_the_reason_of_the_next_reports() -> None:
    decoder = Decoder()
    decode(json.dumps({"issi": "7", "sds": short(4.0, 43.5, reason=2)}), by=decoder)

    later = decode(
        json.dumps({"issi": "7", "sds": short(4.1, 43.5)}), by=decoder,
        at=NOW + timedelta(seconds=10),
    )  # fmt: skip

    [fix] = [fact for fact in later if isinstance(fact, Fix)]
    assert fix.position.lon == pytest.approx(4.1, abs=1e-5)


@pytest.mark.parametrize(
    "sds", ["", "0A", "zz", "0A4E", short(4.0, 43.5)[:-3], bits((1, 2), (3, 4), (0, 2), (13, 4))]
)
def test_a_damaged_report_is_named(sds: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(json.dumps({"issi": "7", "sds": sds}))

    assert caught.value.field.startswith("sds")


def test_another_service_of_the_radio_tells_nothing() -> None:
    assert decode(json.dumps({"issi": "7", "sds": "8204"})) == []
    assert decode(json.dumps({"issi": "7", "sds": bits((1, 2), (4, 4))})) == []


# --- Cursor on Target ---


def cot(kind: str = "a-f-G-U-C", uid: str = "ANDROID-21", detail: str = "", **point: str) -> str:
    at = {"lat": "43.5606", "lon": "4.0853", "hae": "12", "ce": "8.0", "le": "9999999", **point}
    written = " ".join(f'{name}="{value}"' for name, value in at.items())
    return (
        f'<event version="2.0" uid="{uid}" type="{kind}" how="m-g" time="2026-11-23T17:04:05Z" '
        f'start="2026-11-23T17:04:05Z" stale="2026-11-23T17:09:05Z"><point {written}/>'
        f"<detail>{detail}</detail></event>"
    )


def test_a_friend_on_the_ground_is_a_crew() -> None:
    fix = crew(decode(cot(kind="a-f-G-E-V-C", detail='<contact callsign="Brigade 21"/>')))

    assert (fix.crew, fix.name, fix.means) == ("crews:ANDROID-21", "Brigade 21", Means.CAR)
    assert place(fix).accuracy_m == 8
    assert place(fix).fixed_at == datetime(2026, 11, 23, 17, 4, 5, tzinfo=UTC)


def test_an_error_that_is_not_known_is_not_a_figure() -> None:
    assert place(crew(decode(cot(ce="9999999.0")))).accuracy_m is None


@pytest.mark.parametrize("kind", ["a-h-G", "a-n-G", "a-f-A", "b-m-p-w", "t-x-c-t", "b-a-g"])
def test_what_is_no_friend_on_the_ground_tells_nothing(kind: str) -> None:
    assert decode(cot(kind=kind)) == []
    assert decode(cot(kind=kind).replace('time="2026-11-23T17:04:05Z" ', "")) == []


@pytest.mark.parametrize("kind", ["b-a-o-tbl", "b-a-o-pan", "b-a-o-opn", "b-a-o-c"])
def test_whatever_alarm_a_person_chose_is_a_call(kind: str) -> None:
    facts = decode(cot(kind=kind, uid="ANDROID-21-9-1-1"))

    assert [fact.device for fact in facts if isinstance(fact, Activation)] == ["crews:ANDROID-21"]


def test_an_alarm_is_a_call_until_it_is_taken_back() -> None:
    decoder = Decoder({"ANDROID-21": "21"})
    alarm = cot(kind="b-a-o-tbl", uid="ANDROID-21-9-1-1", detail='<emergency type="911 Alert"/>')
    end = cot(kind="b-a-o-can", uid="ANDROID-21-9-1-1", detail='<emergency cancel="true"/>')

    first, again = decode(alarm, by=decoder), decode(alarm, by=decoder, at=NOW + timedelta(0, 9))
    over = decode(end, by=decoder, at=NOW + timedelta(seconds=60))

    [press] = [fact for fact in first if isinstance(fact, Activation)]
    assert {f.activation for f in again if isinstance(f, Activation)} == {press.activation}
    assert [f.activation for f in over if isinstance(f, End)] == [press.activation]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"lat": "nan"}, "point"), ({"lat": "north"}, "point"), ({"lon": "181"}, "point"),
     ({"time": ""}, "time"), ({"time": "0001-01-01T00:00:00+01:00"}, "time")],
)  # fmt: skip
def test_who_calls_is_heard_whatever_is_wrong_with_his_place(
    wrong: dict[str, str], field: str
) -> None:
    time = wrong.pop("time", "2026-11-23T17:04:05Z")
    alarm = cot("b-a-o-tbl", "A-9-1-1", **wrong).replace('time="2026-11-23T17:04:05Z"',
                                                         f'time="{time}"')  # fmt: skip
    facts, fault = with_fault(alarm)

    assert [(f.device, f.position) for f in facts if isinstance(f, Activation)] == [
        ("crews:A", None)
    ]
    assert fault.field == field


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_call_by_tak_protocol_is_of_whom_its_xml_says(quote: str) -> None:
    link = '<link uid="ANDROID-21" type="a-f-G-U-C" relation="p-p"/>'
    alarm = cot("b-a-o-tbl", "alarm-7", link + '<emergency type="911 Alert">PM</emergency>')
    over = cot("b-a-o-tbl", "alarm-7", link + '<emergency cancel="true">PM</emergency>')
    decoder = Decoder()

    told = [
        *decode(bytes(takproto.xml2proto(alarm)), by=decoder),
        *decode(_requoted(over, quote), by=decoder),
    ]

    assert {f.device for f in told if isinstance(f, Activation | End)} == {"crews:ANDROID-21"}
    assert [type(f) for f in told if isinstance(f, Activation | End)] == [Activation, End]


def _requoted(event: str, quote: str) -> bytes:
    """Pack an event whose XML detail is quoted as some clients do; both are one byte."""
    packed = bytes(takproto.xml2proto(event))
    return packed.replace(b'cancel="true"', f"cancel={quote}true{quote}".encode())


def test_who_calls_bears_his_own_call_sign_and_not_the_alarm_s() -> None:
    alarm = cot("b-a-o-tbl", "ANDROID-21-9-1-1", '<contact callsign="PM-214-Alert"/>')

    [press] = [fact for fact in decode(alarm) if isinstance(fact, Activation)]
    assert press.officer.call_sign == "PM-214"


def test_several_events_in_one_message_are_read() -> None:
    body = f"<?xml version='1.0'?>{cot(uid='A')}\n{cot(uid='B')}"

    assert [fact.crew for fact in decode(body) if isinstance(fact, CrewFix)] == [
        "crews:A", "crews:B",
    ]  # fmt: skip


@pytest.mark.parametrize("detail", ["<detail></detail>", "<detail/>", ""])
def test_an_event_is_read_whatever_its_detail_ends_with(detail: str) -> None:
    bare = cot().replace("<detail></detail>", detail)

    assert [crew(decode(each)).crew for each in (bare, bare + "\0")] == 2 * ["crews:ANDROID-21"]


def test_an_event_is_read_in_the_encoding_that_it_declares() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + cot(
        detail='<contact callsign="Équipe 2"/>'
    )

    assert crew(decode(text.encode("latin-1"))).name == "Équipe 2"


def test_tak_protocol_is_read_like_xml() -> None:
    text = cot(detail='<contact callsign="Brigade 21" endpoint="*:-1:stcp"/>')
    packed = takproto.xml2proto(text)

    fix = crew(decode(bytes(packed)))

    assert fix.crew == "crews:ANDROID-21"
    assert place(fix).lat == pytest.approx(43.5606)


BOMB = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><event uid="&c;"></event>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><event uid="&f;"></event>'


@pytest.mark.parametrize(
    "body",
    [BOMB, OUTSIDE, "<event", "<html></html>", cot(lat="north"), cot(lat="91"),
     cot().replace("2026-11-23T17:04:05Z", "yesterday"), b"\xbf\x01\xbf\xff\xff\xff", cot(uid="")],
)  # fmt: skip
def test_hostile_or_damaged_events_are_refused_by_name(body: str | bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode(body)

    assert str(caught.value)


# --- sequences, streams, and anything at all ---


def test_a_sequence_of_texts_tells_each_and_loses_only_the_faulty_one() -> None:
    good = b'{"id":"21","lon":1.4,"lat":43.6,"fixed_at":"2026-11-23T17:04:02Z"}'
    body = RS + good + b"\n" + RS + b'{"id": 7' + RS + nmea(RMC).encode() + RS + cot().encode()
    facts, fault = with_fault(body)

    assert [fact.crew for fact in facts if isinstance(fact, CrewFix)] == [
        "crews:21", "crews:10.9.9.9", "crews:ANDROID-21",
    ]  # fmt: skip
    assert fault.field == "texts[1].message"


@pytest.mark.parametrize(
    "body", [cot().replace("17:04:05Z", "17:05:11Z"), nmea(RMC.replace("170405", "170511"))]
)
def test_a_place_of_the_future_is_held_to_now_and_said(body: str) -> None:
    facts, fault = with_fault(body)

    assert place(crew(facts)).fixed_at == NOW
    assert fault.field == "time"


def test_a_byte_order_mark_hides_nothing() -> None:
    plain = '{"id": "21", "lon": 1.4, "lat": 43.6, "fixed_at": "2026-11-23T17:04:02Z"}'

    assert [crew(decode("\ufeff" + each)).crew for each in (plain, cot())] == [
        "crews:21", "crews:ANDROID-21",
    ]  # fmt: skip


SDS = f"+CTSDSR: 12,7,0,1,0,84\r\n{short(4, 43)}\r\n"
PARTS = [nmea(RMC, tag="s:VEH21").encode(), SDS.encode(), cot().encode(),
         bytes(takproto.xml2proto(cot(), takproto.TAKProtoVer.STREAM))]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=6), st.integers(1, 60))
def test_a_stream_is_cut_alike_however_it_arrives(parts: list[bytes], step: int) -> None:
    stream = b"".join(parts)
    found, rest = list[bytes](), b""
    for start in range(0, len(stream), step):
        whole, rest = messages(rest + stream[start : start + step])
        found += whole

    assert rest == b""
    assert [each.rstrip() for each in found] == [each.rstrip() for each in parts]


@pytest.mark.parametrize("between", [b"", b"\n", b" ", b"\t", b"\0", b"\r\n\0"])
def test_events_of_a_stream_come_at_once_whatever_stands_between_them(between: bytes) -> None:
    event = cot().encode()

    assert messages(event + between + event + between) == ([event, event], b"")


def test_an_event_that_quotes_its_own_end_holds_back_no_other() -> None:
    odd = cot(detail="<remarks><![CDATA[</event>]]></remarks>").encode()
    good = cot(uid="B").encode()

    found, rest = messages(odd + good)

    assert (found[-1], rest) == (good, b"")


@pytest.mark.parametrize("body", [b"x" * 70_000, b"<" + b"y" * 70_000, b"\xbf\xff\xff\xff\xff\xff"])
def test_a_stream_that_never_ends_a_message_is_given_up(body: bytes) -> None:
    with pytest.raises(Malformed):
        messages(body)


def test_no_bytes_break_the_decoder() -> None:
    from adapters.crews import Crews

    # The kit's clock is of an earlier hour: yesterday's fixes are not yet to come.
    yesterday = cot().replace("11-23", "11-22")
    parts = [
        nmea(RMC.replace("231126", "221126"), tag="s:VEH21").encode(), SDS.encode(),
        yesterday.encode(), bytes(takproto.xml2proto(yesterday, takproto.TAKProtoVer.STREAM)),
        json.dumps({"issi": "7", "sds": short(4, 43)}).encode(),
    ]  # fmt: skip
    told = check_decoder(Crews(), parts, {})

    assert told
    for fact in told:
        check_value(fact, "crews")
