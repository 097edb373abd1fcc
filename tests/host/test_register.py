"""The register of consultations: what is written stays, and what is altered shows."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vms_plugin.i18n import Language
from vms_plugin.legal import law
from vms_plugin.register import Entry, Operation, Row, export, faults, mark, written_detail
from vms_plugin.store import Store


def entry(number: int, **more: str) -> Entry:
    return Entry(
        kind=Operation.CONSULTATION, who="Léa", what=f"axis:{number}", why="AGENT EN DANGER",
        detail={"view": "opened", **more},
    )  # fmt: skip


async def written(path: Path, count: int = 3) -> list[Row]:
    store = Store(path / "renfort.db")
    try:
        for number in range(count):
            await store.note(entry(number))
        return await store.register()
    finally:
        store.close()


async def test_each_entry_says_who_when_what_and_why_r241_14(tmp_path: Path) -> None:
    first, second, _ = await written(tmp_path)

    assert first[2:6] == ("consultation", "Léa", "axis:0", "AGENT EN DANGER")
    assert datetime.fromisoformat(first[1]).tzinfo is UTC
    assert first[7] == ""
    assert second[7] == first[8]
    assert faults([first, second]) == []


@given(
    place=st.integers(0, 4), column=st.integers(1, 6), text=st.text(max_size=10),
)  # fmt: skip
def test_an_altered_entry_shows(place: int, column: int, text: str) -> None:
    rows = chain(5)
    altered = [list(row) for row in rows]
    if altered[place][column] == text:
        return
    altered[place][column] = text

    assert faults(tuple(row) for row in altered)  # type: ignore[misc]


@given(st.integers(1, 3))
def test_an_entry_taken_out_shows(place: int) -> None:
    rows = chain(5)
    del rows[place]

    assert "missing" in str(faults(rows)[0])


def test_an_entry_put_in_the_place_of_another_shows() -> None:
    rows = chain(5)
    columns = entry(7).written()
    rows[2] = (3, *columns, rows[2][7], mark(rows[2][7], 3, columns))  # type: ignore[assignment]

    assert [str(fault) for fault in faults(rows)] == ["entry 4: it does not follow the one before"]


def chain(count: int) -> list[Row]:
    rows: list[Row] = []
    before = ""
    for seq in range(1, count + 1):
        columns = entry(seq).written()
        own = mark(before, seq, columns)
        rows.append((seq, *columns, before, own))  # type: ignore[arg-type]
        before = own
    return rows


async def test_the_file_itself_refuses_alteration_and_early_erasure(tmp_path: Path) -> None:
    await written(tmp_path)
    database = sqlite3.connect(tmp_path / "renfort.db")
    with pytest.raises(sqlite3.IntegrityError, match="not altered"):
        database.execute("UPDATE register SET who = 'nobody'")
    with pytest.raises(sqlite3.IntegrityError, match="three years"):
        database.execute("DELETE FROM register WHERE seq = 2")
    database.close()


async def test_entries_are_erased_after_three_years_and_the_chain_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "renfort.db")
    old = datetime(2021, 5, 1, tzinfo=UTC)
    for _ in range(3):
        await store.note(Entry(kind=Operation.CONSULTATION, who="a", what="b", why="c", at=old))
    await store.note(entry(4))
    erased = await store.forget_register(law().register_kept_since(datetime.now(UTC)))
    rows = await store.register()
    store.close()

    assert erased == 3
    assert [row[0] for row in rows] == [4]
    assert faults(rows) == []


async def test_a_clock_that_was_wrong_leaves_no_hole_in_the_chain(tmp_path: Path) -> None:
    """Dated years ahead, then right again: what follows is not erased from behind its back."""
    store = Store(tmp_path / "renfort.db")
    for year in (2021, 2036, 2021, 2026):
        at = datetime(year, 5, 1, tzinfo=UTC)
        await store.note(Entry(kind=Operation.CONSULTATION, who="a", what="b", why="c", at=at))
    erased = await store.forget_register(
        law().register_kept_since(datetime(2026, 6, 1, tzinfo=UTC))
    )
    rows = await store.register()
    store.close()

    assert erased == 1
    assert [row[0] for row in rows] == [2, 3, 4]
    assert faults(rows) == []


def test_the_export_is_french_and_no_formula_runs_in_it() -> None:
    sheet = io.StringIO()
    columns = entry(1).written()
    detail = '{"address": "10.0.0.7", "end": "unknown, the host stopped", "view": "closed"}'
    at = "2026-07-14T22:15:41.377593+00:00"
    dangerous = (at, columns[1], "=HYPERLINK(1)", *columns[3:5], detail)
    paris = ZoneInfo("Europe/Paris")
    export([(1, *dangerous, "", "m")], sheet, Language("fr"), paris)  # type: ignore[list-item]
    headings, row = csv.reader(io.StringIO(sheet.getvalue()), delimiter=";")

    assert headings[2:5] == ["opération", "auteur", "objet"]
    assert row[1] == "2026-07-15T00:15:41.377593+02:00"
    assert row[2:4] == ["consultation", "'=HYPERLINK(1)"]
    assert row[6] == "adresse : 10.0.0.7 · fin : inconnue, l'hôte s'est arrêté · visionnage : clos"


async def test_r241_14_all_five_operations_are_written_and_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "renfort.db")
    for kind in Operation:
        await store.note(Entry(kind=kind, who="Léa", what="axis:1", why="essai"))
    rows = await store.register()
    store.close()
    sheet = io.StringIO()
    export(rows, sheet, Language("fr"), ZoneInfo("Europe/Paris"))
    names = [line[2] for line in csv.reader(io.StringIO(sheet.getvalue()), delimiter=";")][1:]

    assert names == ["collecte", "consultation", "communication", "modification", "effacement"]
    assert faults(rows) == []


async def test_what_the_law_shortens_the_file_lets_go_and_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path / "renfort.db")
    for year in (2021, 2022, 2025, 2026):
        at = datetime(year, 5, 1, tzinfo=UTC)
        await store.note(Entry(kind=Operation.CONSULTATION, who="a", what="b", why="c", at=at))
    limit = law().register_kept_since(datetime(2026, 6, 1, tzinfo=UTC))
    assert await store.forget_register(limit) == 2
    with pytest.raises(sqlite3.IntegrityError, match="three years"):
        await store.query("DELETE FROM register WHERE seq = 3")
    assert [row[0] for row in await store.register()] == [3, 4]
    store.close()


def test_details_are_said_in_words() -> None:
    say = Language("fr")

    assert written_detail('{"view": "opened", "bytes": "3"}', say) == (
        "visionnage : ouvert · octets : 3"
    )
    assert written_detail('{"members": "Rey, Amar", "page": "opened"}', say) == (
        "membres : Rey, Amar · page : ouvert"
    )
    assert written_detail('{"view": "ways of crews"}', say) == (
        "visionnage : trajets des équipages"
    )
    assert written_detail("not json", say) == "not json"


def _configured(tmp_path: Path) -> Path:
    config = tmp_path / "renfort.toml"
    config.write_text('[storage]\npath = "renfort.db"\n', encoding="utf-8")
    return config


async def test_the_command_verifies_and_exports(tmp_path: Path) -> None:
    await written(tmp_path)
    config = str(_configured(tmp_path))
    sheet = tmp_path / "registre.csv"

    assert "3 entrées" in _run("verifier", config, exit_code=0)
    assert "registre.csv écrit" in _run("exporter", config, "--out", str(sheet), exit_code=0)
    assert sheet.read_text(encoding="utf-8-sig").count("axis:") == 3
    assert _run("exporter", config, exit_code=0).count("axis:") == 3
    nowhere = str(tmp_path / "no" / "r.csv")
    assert "ne peut pas être écrit" in _run("exporter", config, "--out", nowhere, exit_code=1)

    database = sqlite3.connect(tmp_path / "renfort.db")
    database.executescript(
        "DROP TRIGGER register_is_not_altered; UPDATE register SET who = 'x' WHERE seq = 2;"
    )
    database.close()
    assert "ligne 2 : elle a été modifiée" in _run("verifier", config, exit_code=1)


def _run(what: str, config: str, *more: str, exit_code: int) -> str:
    command = [sys.executable, "-m", "vms_plugin", "registre", what, "--config", config, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == exit_code, done.stderr
    return done.stdout + done.stderr
