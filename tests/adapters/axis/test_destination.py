"""Requests of a body-worn system in, recordings and pieces out: names, words, times, trails."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.axis import Axis
from adapters.axis.destination import (
    CAPABILITIES,
    Account,
    Target,
    connection_file,
    headers_of,
    merged,
    piece_of,
    recording_of,
    target_of,
    trail_of,
    words_of,
)
from hooks import BadSettings, Malformed, PieceKind, Position, RecordingId
from hooks.testing import check_adapter

USER = "7d0e8a52-3f0c-4a55-9d5e-0a6a1a0b7c11"
SERIAL = "B8A44F00A001"
CONTAINER = f"{USER}_{SERIAL}_20261123T180405Z"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"


def test_a_name_is_read_before_its_escapes_are_undone() -> None:
    target = target_of(b"/v1/AUTH_renfort/a%2Fb/c%3Ad/..%2F%2e%2e/e?format=json")

    assert target == Target("AUTH_renfort", "a/b", "c:d/../../e")
    assert target_of(b"/v1/AUTH_renfort/box/") == Target("AUTH_renfort", "box")
    assert target_of(b"/v1/AUTH_renfort") == Target("AUTH_renfort")
    assert target_of(b"/other") is None


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_any_name_comes_through_as_it_was_written(container: str, name: str) -> None:
    path = f"/v1/AUTH_renfort/{quote(container, safe='')}/{quote(name, safe='')}"

    assert target_of(path.encode()) == Target("AUTH_renfort", container, name)


@pytest.mark.parametrize("part", ["%ff%fe", "", "a" * 1025])
def test_a_name_that_is_none_is_said(part: str) -> None:
    with pytest.raises(Malformed, match="name"):
        target_of(f"/v1/AUTH_renfort/{part}/x".encode())


@given(st.dictionaries(st.from_regex(r"[a-z]{1,12}", fullmatch=True), st.text(max_size=40)))
def test_words_come_back_as_they_went_whatever_case_http_makes_of_their_names(
    words: dict[str, str],
) -> None:
    headers = headers_of(words, "object")
    shouted = [(name.title().encode() if isinstance(name, str) else name.title(), value)
               for name, value in headers]  # fmt: skip

    assert words_of(shouted, "object") == words
    assert words_of(shouted, "container") == {}


def test_too_many_words_and_words_too_long_are_refused() -> None:
    with pytest.raises(Malformed, match="characters"):
        words_of([(b"X-Object-Meta-Name", b"n" * 1025)], "object")
    with pytest.raises(Malformed, match="keys"):
        words_of([(f"X-Object-Meta-N{n}".encode(), b"v") for n in range(65)], "object")


def test_a_post_adds_to_a_container_and_an_empty_value_takes_away() -> None:
    assert merged({"a": "1", "b": "2"}, {"b": "", "c": "3"}) == {"a": "1", "c": "3"}


def test_a_container_is_a_recording() -> None:
    words = {
        "starttimeiso": "2026-11-23T18:03:12Z", "stoptime": "1795458060", "status": "Complete",
        "bwcserialnumber": SERIAL, "userid": USER, "triggerontime": "1795457045",
    }  # fmt: skip
    told = recording_of(CONTAINER, words)

    assert told.id == RecordingId(f"axis:{CONTAINER}")
    assert (told.device, told.officer.id) == (f"axis:{SERIAL}", USER)
    assert told.started_at == datetime(2026, 11, 23, 18, 3, 12, tzinfo=UTC)
    assert told.ended_at == datetime.fromtimestamp(1795458060, UTC)
    assert told.complete
    assert not told.rejected


def test_what_the_words_lack_the_name_tells() -> None:
    told = recording_of(CONTAINER, {})

    assert (told.device, told.officer.id) == (f"axis:{SERIAL}", USER)
    assert told.started_at == datetime(2026, 11, 23, 18, 4, 5, tzinfo=UTC)
    assert not told.complete


def test_a_container_of_any_name_is_a_recording_without_date() -> None:
    told = recording_of("../../etc/passwd\x07", {"starttime": "soon"})

    assert told.started_at is None
    assert told.device is None


def test_rejected_content_says_why_and_keeps_the_day_of_the_recording() -> None:
    words = {"rejectedcontentoriginalcontainer": CONTAINER, "rejectedcontentreason": "corrupt"}
    told = recording_of("RejectedContent_UnknownTime_51aa", words)

    assert told.rejected == "corrupt"
    assert told.started_at == datetime(2026, 11, 23, 18, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind", "as_live"),
    [
        ("20261123_190312_7F3A.mp4", PieceKind.VIDEO, f"20261123_190312_7F3A_{SERIAL}"),
        ("20261123_190312_7F3A.mkv", PieceKind.VIDEO, f"20261123_190312_7F3A_{SERIAL}"),
        ("20261123_190312_7F3A.key", PieceKind.KEY, f"20261123_190312_7F3A_{SERIAL}"),
        (f"20261123_190312_7F3A_{SERIAL}_gpstrail.json", PieceKind.TRAIL,
         f"20261123_190312_7F3A_{SERIAL}"),
        ("bookmark_20261123T180500Z_1", PieceKind.BOOKMARK, ""),
        ("2026-11-23T18:03:12Z_7F3A.mp4", PieceKind.VIDEO, ""),
        ("../x", PieceKind.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_an_object_is_known_by_its_name(name: str, kind: PieceKind, as_live: str) -> None:
    piece = piece_of(CONTAINER, name, {"starttimeiso": "2026-11-23T18:03:12Z"})

    assert (piece.kind, piece.recorded_as) == (kind, as_live)
    assert piece.name == name
    assert piece.started_at == datetime(2026, 11, 23, 18, 3, 12, tzinfo=UTC)


@given(st.text(min_size=1), st.text(min_size=1), st.dictionaries(st.text(), st.text()))
def test_no_name_and_no_word_breaks_the_reading(
    container: str, name: str, words: dict[str, str]
) -> None:
    keys = ("starttime", "stoptimeiso", "userid", "bwcserialnumber", "status")
    told = {**words, **dict(zip(keys, words.values(), strict=False))}

    assert recording_of(container, told).id == f"axis:{container}"
    assert piece_of(container, name, told).name == name


def test_times_are_seconds_or_milliseconds_or_rfc_3339_and_never_absurd() -> None:
    def start(**words: str) -> datetime | None:
        return recording_of("box", words).started_at

    at = datetime(2026, 11, 23, 18, 3, 12, tzinfo=UTC)
    assert start(starttime="1795456992") == at
    assert start(starttime="1795456992000") == at
    assert start(starttimeiso="2026-11-23T19:03:12+01:00") == at
    assert start(starttimeiso="2026-11-23T18:03:12", starttime="") is None
    assert start(starttime="0") is None
    assert start(starttime="1e30") is None
    assert start(starttime="nan") is None
    assert start(starttimeiso="2000-01-01T00:00:00Z") is None


def test_a_trail_is_longitude_first() -> None:
    trail = trail_of(
        b'{"CoordinateEntries": [{"LocationWKT": "POINT(4.0853 43.5606)", "SecondsFromStart": 1.0,'
        b' "Timestamp": "2026-11-23T18:03:13Z"},'
        b' {"LocationWKT": "POINT(4.08 43.56)", "Timestamp": "2026-11-23T18:03:12Z"},'
        b' {"LocationWKT": "POINT(0 0)", "Timestamp": "2026-11-23T18:03:14Z"},'
        b' {"LocationWKT": "POINT(400 43)", "Timestamp": "2026-11-23T18:03:15Z"}, 7]}'
    )
    at = datetime(2026, 11, 23, 18, 3, tzinfo=UTC)

    assert trail is not None
    assert trail.places == (
        Position(lon=4.08, lat=43.56, fixed_at=at.replace(second=12), source="gnss"),
        Position(lon=4.0853, lat=43.5606, fixed_at=at.replace(second=13), source="gnss"),
    )


def test_an_encrypted_trail_is_nobodys_and_a_broken_one_is_said() -> None:
    assert trail_of(b"\x8f\x01\x02") is None
    with pytest.raises(Malformed, match="CoordinateEntries"):
        trail_of(b'{"CoordinateEntries": 7}')
    with pytest.raises(Malformed, match="POINT"):
        trail_of(b'{"CoordinateEntries": [{"LocationWKT": "POINT()"}]}')


@given(st.binary(max_size=200))
def test_a_trail_of_any_bytes_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(Malformed):
        trail_of(content)


def test_capabilities_are_the_makers_words() -> None:
    said = json.loads(CAPABILITIES)

    assert set(said) == {"Read", "Store", "StoreAndRead"}
    assert said["Store"]["StoreGNSSTrackRecording"] is True
    assert said["Read"]["ReadCategories"] is False


def test_the_connection_file_is_the_makers() -> None:
    account = Account(username="axis", password="p" * 20, site="CSU", public_key=KEY,
                      public_key_id="tribunal-2026")  # fmt: skip
    pem = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"
    written = connection_file(account, "https://csu.example.org:8791/", pem, "0.1.0")
    said = json.loads(written)

    assert len(written) < 64_000
    assert said["ConnectionFileVersion"] == "1.0"
    assert said["AuthenticationTokenURI"] == ["https://csu.example.org:8791/auth/v1.0"]
    assert base64.b64decode(said["HTTPSCertificate"][0]).decode() == pem
    assert (said["BlobAPIUserName"], said["BlobAPIKey"]) == ("axis", "p" * 20)
    assert said["ContainerType"] == "mp4"
    assert said["WantEncryption"] is True
    assert base64.b64decode(said["PublicKey"]).decode() == KEY
    assert said["PublicKeyId"] == "tribunal-2026"


def test_without_key_nor_certificate_neither_is_written() -> None:
    said = json.loads(connection_file(Account(username="a", password="p"), "http://x", "", "1"))

    assert said["WantEncryption"] is False
    assert not {"PublicKey", "PublicKeyId", "HTTPSCertificate"} & set(said)
    with pytest.raises(Malformed, match="SiteName"):
        connection_file(Account(username="a", password="p", site="x" * 65), "http://x", "", "1")


def test_the_door_is_shut_by_default() -> None:
    axis = Axis()
    axis.configure({"transport": "none"})

    assert list(axis.list_inlets(None)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"docking_password": "short"}, "docking_password"),
        ({}, "docking_password"),
        ({"docking_container": "avi"}, "docking_container"),
        ({"docking_public_key": "PRIVATE"}, "docking_public_key"),
        ({"docking_public_key": KEY}, "docking_public_key_id"),
        ({"docking_port": 70000}, "docking_port"),
    ],
)
def test_a_wrong_setting_of_the_door_is_named(settings: dict[str, object], field: str) -> None:
    good = {"transport": "none", "docking_port": 8791, "docking_password": "p" * 16}
    if not settings:
        del good["docking_password"]
    with pytest.raises(BadSettings) as raised:
        check_adapter(Axis(), {**good, **settings})

    assert raised.value.field == field
