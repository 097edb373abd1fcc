"""What the law sets, article by article: each test is named after the one it holds to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vms_plugin.legal import BadLawError, Law, Parameter, general, law, read

PARIS = ZoneInfo("Europe/Paris")
LAW = law()
DAYS = st.datetimes(datetime(2023, 1, 1), datetime(2099, 1, 1))  # noqa: DTZ001  (naive: a day)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("recorded", "last"),
    [
        ("2026-03-15T14:02", "2026-04-15"),
        ("2026-01-31T23:59", "2026-02-28"),
        ("2028-01-31T00:00", "2028-02-29"),
        ("2026-01-28T10:00", "2026-02-28"),
        ("2026-12-31T10:00", "2027-01-31"),
        ("2026-02-28T10:00", "2026-03-28"),
        ("2026-08-31T10:00", "2026-09-30"),
    ],
)
def test_r241_13_a_recording_is_kept_one_calendar_month_from_its_day(
    recorded: str, last: str
) -> None:
    day = date.fromisoformat(last)

    assert LAW.last_day(at(recorded), day, PARIS) == day
    assert not LAW.over(at(recorded), at(f"{last}T23:59"), PARIS)
    assert LAW.over(at(recorded), at(f"{day + timedelta(days=1)}T00:00"), PARIS)


def test_r241_13_the_day_is_that_of_the_place_not_of_greenwich() -> None:
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # half past midnight on 1 April in Paris

    assert LAW.last_day(late, date(2026, 5, 1), PARIS) == date(2026, 5, 1)
    assert LAW.last_day(late, date(2026, 5, 1), ZoneInfo("Indian/Reunion")) == date(2026, 5, 1)
    assert LAW.last_day(late, date(2026, 5, 1), ZoneInfo("America/Cayenne")) == date(2026, 4, 30)


@given(DAYS)
def test_r241_13_it_is_never_less_than_28_days_nor_more_than_31(recorded: datetime) -> None:
    aware = recorded.replace(tzinfo=PARIS)
    last = LAW.last_day(aware, aware.date(), PARIS)

    assert 28 <= (last - recorded.date()).days <= 31
    assert last.day == recorded.day or (last + timedelta(days=1)).day == 1


@given(DAYS, DAYS)
def test_r241_13_who_is_recorded_first_is_never_destroyed_after(
    one: datetime, other: datetime
) -> None:
    first, second = sorted((one, other))
    last = [
        LAW.last_day(each.replace(tzinfo=PARIS), each.date(), PARIS) for each in (first, second)
    ]

    assert last[0] <= last[1]


@pytest.mark.parametrize(
    ("now", "limit"),
    [
        ("2026-11-24", "2023-11-24"),
        ("2028-02-29", "2025-03-01"),
        ("2027-02-28", "2024-02-28"),
        ("2027-03-01", "2024-03-01"),
    ],
)
def test_r241_14_the_register_is_kept_three_years_exactly(now: str, limit: str) -> None:
    assert LAW.register_kept_since(at(now)) == at(limit)


def test_r253_5_the_register_of_cctv_is_kept_no_longer_than_three_years() -> None:
    most = LAW.require("cctv_register_kept_at_most", date(2026, 1, 1))
    kept = LAW.require("register_kept", date(2026, 1, 1))
    day = date(2026, 1, 1)

    assert day + kept.delay <= day + most.delay


def test_r241_8_the_number_of_cameras_is_that_of_the_prefects_order(tmp_path: Path) -> None:
    order = tmp_path / "arrete.toml"
    order.write_text(
        """
        [[parameter]]
        name = "cameras_at_most"
        count = 8
        article = "arrêté préfectoral du 12 avril 2023"
        from = 2023-04-12
        until = 2025-12-31
        [[parameter]]
        name = "cameras_at_most"
        count = 20
        article = "arrêté préfectoral du 5 janvier 2026"
        from = 2026-01-05
        """,
        encoding="utf-8",
    )
    own = law(order)

    def most(day: date) -> int | None:
        held = own.get("cameras_at_most", day)
        return held.amount if held else None

    assert most(date(2024, 6, 1)) == 8
    assert most(date(2026, 1, 2)) is None
    assert most(date(2026, 6, 1)) == 20
    assert LAW.get("cameras_at_most", date(2026, 6, 1)) is None


def test_a_new_law_is_one_dated_line() -> None:
    two = Parameter(
        name="recordings_kept", amount=2, unit="months", article="CSI R241-13 (2027)",
        since=date(2027, 7, 1),
    )  # fmt: skip
    changed = Law((*general(), two))
    recorded = at("2027-06-15T10:00")

    assert changed.last_day(recorded, date(2027, 6, 30), PARIS) == date(2027, 7, 15)
    assert changed.last_day(recorded, date(2027, 7, 1), PARIS) == date(2027, 8, 15)


def test_every_figure_of_the_law_has_its_article_and_its_day() -> None:
    assert {each.name for each in general()} >= {"recordings_kept", "register_kept"}
    for each in general():
        assert each.article.startswith(("CSI ", "CNIL"))
        assert each.since <= date(2026, 1, 1)


@pytest.mark.parametrize(
    "line",
    [
        {"name": "recordings_keept", "months": 1, "article": "x", "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "article": "x", "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": 1, "days": 3, "article": "x",
         "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": 0, "article": "x", "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": True, "article": "x", "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": 1, "from": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": 1, "article": "x", "from": "2026-01-01"},
        {"name": "recordings_kept", "months": 1, "article": "x", "from": date(2026, 1, 2),
         "until": date(2026, 1, 1)},
        {"name": "recordings_kept", "months": 1, "article": "x", "from": date(2026, 1, 1),
         "too": 1},
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(line: dict[str, object]) -> None:
    with pytest.raises(BadLawError, match="parameter 1"):
        read({"parameter": [line]})


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    wrong = tmp_path / "law.toml"
    wrong.write_text("[[parameter]\n", encoding="utf-8")

    with pytest.raises(BadLawError, match="TOML"):
        law(wrong)
    with pytest.raises(BadLawError, match="nothing else"):
        read({"other": 1})
