"""What RTSP and RTP are made of, whatever the bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooks.live import units
from vms_plugin.live import rtsp_words as words
from vms_plugin.live.rtp import LARGEST_PAYLOAD, Stream, payloads
from vms_plugin.live.rtsp_session import STILL


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_none(head: bytes) -> None:
    try:
        request = words.read(head)
    except words.BadRequestError:
        return
    assert request.headers["cseq"].isdecimal()


@given(st.text(max_size=80), st.integers(0, 1), st.booleans())
def test_any_transport_is_one_of_ours_or_none(header: str, track: int, secure: bool) -> None:
    chosen = words.transport(header, track, secure=secure)
    if chosen and chosen.udp:
        assert not secure
        assert 1023 < chosen.udp[0] <= 65535


@given(st.lists(st.binary(min_size=1, max_size=3 * LARGEST_PAYLOAD), min_size=1, max_size=4))
def test_pictures_are_cut_and_can_be_put_together_again(bodies: list[bytes]) -> None:
    """By RFC 6184, read here a second time."""
    sent = [b"\x41" + body.replace(b"\0", b"\1") for body in bodies]
    picture = b"".join(b"\0\0\0\1" + unit for unit in sent)
    back: list[bytes] = []
    for payload in payloads(picture):
        assert len(payload) <= LARGEST_PAYLOAD
        if payload[0] & 0x1F != 28:
            back.append(payload)
        elif payload[1] & 0x80:
            back.append(bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)) + payload[2:])
        else:
            back[-1] += payload[2:]

    assert back == sent
    assert list(units(picture)) == sent


def test_a_report_ties_the_media_clock_to_the_wall_clock() -> None:
    stream = Stream(96, 90_000)
    packets = list(stream.packets([b"a", b"bc"], 10.0))
    report = stream.report(11.0, 1_795_457_040.5)

    assert [packet[1] for packet in packets] == [96, 224]
    assert report[1] == 200
    assert int.from_bytes(report[8:12], "big") == 1_795_457_040 + 2_208_988_800
    assert int.from_bytes(report[12:16], "big") == 2**31
    began = int.from_bytes(packets[0][4:8], "big")
    assert (int.from_bytes(report[16:20], "big") - began) % 2**32 == 90_000
    assert int.from_bytes(report[20:24], "big") == 2
    assert int.from_bytes(report[24:28], "big") == 3
    assert len(report) % 4 == 0


def test_the_still_picture_is_a_key_picture_of_a_profile_every_vms_shows() -> None:
    kinds = [unit[0] & 0x1F for unit in units(STILL)]

    assert kinds[:2] == [7, 8]
    assert set(kinds[2:]) == {5}
    assert next(units(STILL))[1] == 66  # baseline
