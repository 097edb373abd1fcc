"""The contract's values refuse what cannot be, and name it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    BadSettings,
    CrewStatus,
    DeviceId,
    FactId,
    Fix,
    Malformed,
    Message,
    Position,
    Trigger,
)
from hooks.section import Section


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"lon": math.nan, "lat": 0}, "lon"),
        ({"lon": 181, "lat": 0}, "lon"),
        ({"lon": 0, "lat": -90.1}, "lat"),
        ({"lon": 0, "lat": math.inf}, "lat"),
        ({"lon": 0, "lat": 0, "accuracy_m": -1}, "accuracy_m"),
        ({"lon": 0, "lat": 0, "fixed_at": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001
    ],
)
def test_a_place_that_cannot_be_is_refused(known: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Position(**known)


def test_a_fact_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Fix(id=FactId("a:1"), at=datetime(2026, 1, 1), device=DeviceId("a:d"),  # noqa: DTZ001
            position=Position(lon=0, lat=0))  # fmt: skip


def test_a_word_that_new_firmware_brings_is_unknown() -> None:
    assert Trigger("gunshot") is Trigger.UNKNOWN
    assert CrewStatus("à table") is CrewStatus.UNKNOWN


def test_a_message_fills_in_its_parameters() -> None:
    inner = Message(text="{n} m", params={"n": 3})

    assert str(Message(text="at {place}", params={"place": inner})) == "at 3 m"


def test_a_hostile_value_does_not_fill_a_line() -> None:
    assert len(str(Malformed("field", "x" * 10**6, "write less"))) < 200


def test_a_secret_is_not_repeated() -> None:
    assert "hunter2" not in str(BadSettings("password", "hunter2", "write a longer one"))


@pytest.mark.parametrize(
    ("read", "settings"),
    [
        (lambda s: s.text("a"), {}),
        (lambda s: s.text("a"), {"a": 3}),
        (lambda s: s.url("a"), {"a": "ftp://x"}),
        (lambda s: s.url("a"), {"a": "https://"}),
        (lambda s: s.url("a"), {"a": "https://x:99999"}),
        (lambda s: s.number("a", 1, low=0, high=5), {"a": 9}),
        (lambda s: s.number("a", 1, low=0, high=5), {"a": True}),
        (lambda s: s.choice("a", "x", "y"), {"a": "z"}),
        (lambda s: s.file("a"), {"a": "/nowhere/at/all"}),
        (lambda s: s.texts("a", ()), {"a": ["x", 3]}),
        (lambda s: s.table("a"), {"a": {"x": 3}}),
        (lambda s: s.end(), {"unread": 1}),
    ],
)
def test_a_wrong_setting_names_its_field(read: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(BadSettings) as caught:
        read(Section(settings))

    assert caught.value.field in ("a", "unread")
    assert str(caught.value)


def test_right_settings_are_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("…")
    section = Section({
        "url": "https://vms:8443/", "every_s": 5, "mode": "a", "ca": str(tmp_path / "ca.pem"),
        "topics": ["x"], "devices": {"a:1": "g"},
    })  # fmt: skip

    assert section.url("url") == "https://vms:8443"
    assert section.number("every_s", 1, low=0, high=9) == 5
    assert section.number("other", 1.5, low=0, high=9) == 1.5
    assert section.choice("mode", "a", "b") == "a"
    assert section.file("ca") == tmp_path / "ca.pem"
    assert section.file("none") is None
    assert section.texts("topics", ()) == ("x",)
    assert section.texts("none", ("d",)) == ("d",)
    assert section.table("devices") == {"a:1": "g"}
    assert section.table("none") == {}
    section.end()


def test_the_time_of_a_fix_may_be_unknown() -> None:
    assert Position(lon=0, lat=0).fixed_at is None
    assert Position(lon=0, lat=0, fixed_at=datetime.now(UTC)).fixed_at is not None
