"""`renfort layers …` and `renfort situate`: the tools of GIS staff, on the host's own geography."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dispatch_gis import aim, checks, gaps, importing, optics, territory_file, territory_write
from dispatch_gis.coverage import Coverage, Surveyor
from dispatch_gis.field_map import FieldMap, read_field_map
from dispatch_gis.layers import Fault, UnreadableLayerError
from dispatch_gis.plane import Plane
from dispatch_gis.preview import preview
from dispatch_gis.qgis import write_project
from dispatch_gis.situation import SituateSettings, Territory, plane_of, situate
from dispatch_gis.territory_rows import Identifiers
from dispatch_gis.town import Town
from hooks import CameraId, Crew, Envelope, Position
from hooks.causes import cause, whole
from vms_plugin import setting_checks
from vms_plugin.adapters import Adapters, why
from vms_plugin.board import Board
from vms_plugin.i18n import Language

#: So many faults are told at once; the others are in the layer.
_TOLD = 30


class UnusableError(Exception):
    """A command cannot be carried out; the sentence says why and what to do."""


def run(name: str, options: argparse.Namespace) -> int:
    """Carry out a verb; what a file can do to us becomes one sentence and exit code 2."""
    say = Language()
    try:
        return _VERBS[name](options, say)
    except UnusableError as error:
        print(f"✗ {error}", file=sys.stderr)
    except UnreadableLayerError as error:
        print("✗ " + say.message(whole(error.message)), file=sys.stderr)
    except OSError as error:
        print("✗ " + say("cannot be written: {cause}", cause=whole(cause(error))), file=sys.stderr)
    return 2


# --- what every verb reads ---


def _read(options: argparse.Namespace) -> tuple[Town, list[Fault], dict[CameraId, Coverage]]:
    source = territory_file.FileSource(options.territory)
    town, faults = territory_file.read_town(source)
    return town, faults, territory_file.read_coverages(source)


def _surveyed(
    town: Town, known: dict[CameraId, Coverage], options: argparse.Namespace, say: Language
) -> tuple[Plane, dict[CameraId, Coverage], int]:
    """Compute visible areas, showing how far one is; and how many were new."""
    plane = plane_of(town, town.cameras)
    surveyor = Surveyor(town, plane, edition=options.iec)
    cameras = [camera for camera in town.cameras if camera.position is not None]
    done = new = 0

    def progress(coverage: Coverage) -> None:
        nonlocal done, new
        done += 1
        new += known.get(coverage.camera) is not coverage
        if sys.stderr.isatty() and (done % 10 == 0 or done == len(cameras)):
            width = 30 * done // len(cameras)
            bar = "█" * width + "·" * (30 - width)
            print(f"\r{bar} {done}/{len(cameras)}", end="", file=sys.stderr, flush=True)

    found = surveyor.coverages(cameras, known, progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return plane, found, new


def _tell(faults: Sequence[Fault], say: Language) -> None:
    for fault in faults[:_TOLD]:
        mark = "✗" if fault.dropped else "!"
        print(f"{mark} {say.message(fault.message)}")
    if len(faults) > _TOLD:
        print(say("… and {count} more", count=len(faults) - _TOLD))


# --- verbs ---


def _import(options: argparse.Namespace, say: Language) -> int:
    field_map = read_field_map(options.fields) if options.fields else FieldMap()
    collected = importing.Import(field_map=field_map)
    if options.out.exists():
        source = territory_file.FileSource(options.out)
        collected.town, collected.faults = territory_file.read_town(source)
    for source in options.sources:
        if _is_database(source):
            _add_database(collected, source, options.schema, say)
        else:
            collected.add(Path(source), options.kind)
    town = collected.whole()
    if options.out.exists():
        # What staff drew stays as it is, and what was computed serves again.
        territory_write.renew_town(
            town, options.out, layers=collected.renewed, cameras=collected.cameras
        )
    else:
        territory_write.write_town(town, options.out)
    if not _project_of(options.out).exists():
        _open_in_qgis(options.out, _project_of(options.out), say)
    for name, layer, count in collected.found:
        print(f"  {name}: {count} {layer}")
    _tell(collected.faults, say)
    print(say("{file} written. Next: renfort layers check {file}", file=str(options.out)))
    return 0


def _is_database(source: str) -> bool:
    """Tell a database as libpq names it from a file."""
    return source.startswith(("postgresql://", "postgres://")) or (
        "=" in source and not Path(source).exists()
    )


def _add_database(collected: importing.Import, where: str, schema: str, say: Language) -> None:
    wrong = setting_checks.database_fault(where)
    if wrong is not None:
        raise UnusableError(say.message(wrong))
    from dispatch_gis.postgis import Database  # noqa: PLC0415  (an extra: psycopg)

    database = Database(where, schema=schema)
    try:
        with database.snapshot() as source:
            collected.add_territory(database.name, source)
    finally:
        database.close()


def _project_of(territory: Path) -> Path:
    return territory.with_suffix(".qgs")


def _open_in_qgis(territory: Path, out: Path, say: Language) -> None:
    territory_write.complete(territory)
    write_project(territory, out, say.message)


def _project(options: argparse.Namespace, say: Language) -> int:
    out = options.out or _project_of(options.territory)
    _open_in_qgis(options.territory, out, say)
    print(say("{file} written: open it in QGIS", file=str(out)))
    return 0


def _check(options: argparse.Namespace, say: Language) -> int:
    town, faults, _ = _read(options)
    found = checks.check(town, faults, datetime.now(UTC))
    words = [say.message(fault.remedy) for fault in found]
    territory_write.write_layer(options.territory, "defauts", checks.as_frame(found, words))
    if options.json:
        rows = [
            {
                "layer": fault.layer, "row": fault.row, "field": fault.field,
                "value": None if fault.value is None else str(fault.value), "remedy": remedy,
                "dropped": fault.dropped, "lonlat": fault.place,
            }
            for fault, remedy in zip(found, words, strict=True)
        ]  # fmt: skip
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        _tell(found, say)
        cameras, streets, count = len(town.cameras), len(town.streets), len(found)
        print(say("{cameras} cameras, {streets} pieces of street, {count} faults (layer defauts)",
                  cameras=cameras, streets=streets, count=count))  # fmt: skip
    return 1 if found else 0


def _coverage(options: argparse.Namespace, say: Language) -> int:
    town, _, known = _read(options)
    _, found, new = _surveyed(town, known, options, say)
    frame = territory_write.coverage_frame(list(found.values()), town.cameras)
    territory_write.write_layer(options.territory, "couvertures", frame)
    doubtful = sum(coverage.uncertain for coverage in found.values())
    print(say("{count} visible areas, {new} drawn anew, {doubtful} with an uncertain position",
              count=len(found), new=new, doubtful=doubtful))  # fmt: skip
    return 0


def _preview(options: argparse.Namespace, say: Language) -> int:
    town, _, known = _read(options)
    _, found, _ = _surveyed(town, known, options, say)
    out = options.out or options.territory.with_suffix(".html")
    out.write_text(preview(town, found, say("Preview of the territory")), encoding="utf-8")
    print(say("{file} written: open it in a browser", file=str(out)))
    return 0


def _gaps(options: argparse.Namespace, say: Language) -> int:
    least, name = _wanted(options, say)
    town, _, known = _read(options)
    plane, coverages, _ = _surveyed(town, known, options, say)
    found = gaps.gaps(town.streets, town.cameras, coverages, plane, least_px_m=least)
    territory_write.write_layer(options.territory, "lacunes", gaps.as_frame(found, name))
    share = 100 * found.seen_m / found.whole_m if found.whole_m else 0.0
    if options.json:
        print(json.dumps({
            "class": name, "least_px_m": least, "streets_m": round(found.whole_m),
            "seen_m": round(found.seen_m), "seen_percent": round(share, 1),
        }, ensure_ascii=False))  # fmt: skip
    else:
        print(say("{share:.1f} % of {km:.1f} km of streets are shown at {least:.0f} px/m "
                  "or better (layer lacunes)", share=share, km=found.whole_m / 1000,
                  least=least))  # fmt: skip
    return 0


def _wanted(options: argparse.Namespace, say: Language) -> tuple[float, str]:
    """Read a class, by its name in the standard or as pixels per metre."""
    classes = {name.value: least for least, name in optics.EDITIONS[options.iec]}
    if options.wanted in classes:
        return classes[options.wanted], options.wanted
    try:
        least = float(options.wanted.replace(",", "."))
    except ValueError:
        least = 0.0
    if least <= 0:
        known = ", ".join(classes)
        raise UnusableError(say("--class: write pixels per metre, or one of: {known}", known=known))
    return least, optics.pixel_class(least, options.iec).value


def _calibrate(options: argparse.Namespace, say: Language) -> int:
    town, _, _ = _read(options)
    name = Identifiers(town.cameras, town.aliases).find(options.camera)
    camera = next((each for each in town.cameras if each.id == name), None)
    if camera is None or camera.position is None:
        raise UnusableError(say("no camera {camera} in this territory", camera=options.camera))
    if camera.height_m is None:
        raise UnusableError(
            say("camera {camera}: write its height first (hauteur_m)", camera=options.camera)
        )
    sights = [_sight(written, say) for written in options.sight]
    try:
        found = aim.calibrate(camera.position, camera.height_m, sights)
    except aim.UncalibratedError as error:
        raise UnusableError(say.message(error.remedy)) from error
    today = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    territory_write.write_calibration(options.territory, camera.id, found, today)
    if options.json:
        print(json.dumps({
            "camera": camera.id, "pan_zero_deg": found.pan_zero_deg, "pan_sense": found.pan_sense,
            "tilt_zero_deg": found.tilt_zero_deg, "tilt_sense": found.tilt_sense,
            "error_deg": found.error_deg,
        }))  # fmt: skip
        return 0
    sense = say("clockwise") if found.pan_sense > 0 else say("anticlockwise")
    print(say("pan 0 looks to {bearing:.1f}° (true), {sense}; tilt 0 is {tilt:.1f}° above the "
              "horizon; the points agree within {error:.2f}°", bearing=found.pan_zero_deg,
              sense=sense, tilt=found.tilt_zero_deg, error=found.error_deg))  # fmt: skip
    if len(sights) == 2:
        print(say("two points cannot contradict each other: centre a third one to be sure"))
    return 0


def _sight(written: str, say: Language) -> aim.Sight:
    numbers = _numbers(written)
    if len(numbers) not in (4, 5):
        raise UnusableError(
            say("--sight {written}: write LON,LAT,PAN,TILT[,HEIGHT]", written=written)
        )
    lon, lat, pan, tilt, *height = numbers
    place = _position(lon, lat, None, say)
    return aim.Sight(place=place, pan_deg=pan, tilt_deg=tilt, height_m=height[0] if height else 0.0)


def _numbers(written: str) -> list[float]:
    try:
        return [float(part) for part in written.split(",")]
    except ValueError:
        return []


def _position(lon: float, lat: float, accuracy_m: float | None, say: Language) -> Position:
    try:
        return Position(lon=lon, lat=lat, accuracy_m=accuracy_m, fixed_at=datetime.now(UTC))
    except ValueError as error:
        place = f"{lon:g},{lat:g}" if accuracy_m is None else f"{lon:g},{lat:g} ± {accuracy_m:g} m"
        raise UnusableError(say("no such place: {place}", place=place)) from error


def _situate(options: argparse.Namespace, say: Language) -> int:
    from vms_plugin.web import view  # noqa: PLC0415  (brings in the whole host)

    numbers = _numbers(options.place)
    if len(numbers) != 2:
        raise UnusableError(say("{place}: write LON,LAT, as 4.0853,43.5606", place=options.place))
    place = _position(numbers[0], numbers[1], options.accuracy, say)
    town, _, known = _read(options)
    rules = SituateSettings(edition=options.iec, communes=frozenset(options.commune))
    territory = Territory(town, town.cameras, settings=rules, known=known)
    crews = _crews(options.crews, say) if options.crews else []
    found = situate(territory, place, crews, datetime.now(UTC), settings=rules)
    if options.json:
        print(json.dumps(view.situation(found, say), ensure_ascii=False, indent=1))
        return 0
    print(say("near {street}", street=found.near) if found.near else options.place)
    for sighting in found.sightings:
        reasons = ", ".join(say.message(reason) for reason in sighting.reasons)
        print(f"  {sighting.camera.name}: {reasons}")
    for each in found.reinforcements:
        name = each.crew.name or each.crew.id
        reasons = ", ".join(say.message(reason) for reason in each.reasons)
        minutes = say("{minutes:.1f} min", minutes=each.time_s / 60)
        print(f"  → {name}: {minutes}" + (f", {reasons}" if reasons else ""))
    for message in found.missing:
        print("  ! " + say.message(whole(message)))
    return 0


def _crews(path: Path, say: Language) -> list[Crew]:
    """Read crews as the host does: through the adapter that understands GeoJSON."""
    envelope = Envelope(adapter="crews", body=path.read_bytes(), received_at=datetime.now(UTC))
    facts, malformed = Adapters.installed({"crews": {}}).decode(envelope)
    if malformed is not None:
        print("! " + say.message(whole(why(malformed))), file=sys.stderr)
    board = Board()
    for fact in facts:
        board.hear(fact)
    return [card.crew for card in board.crews.values()]


def _reconcile(options: argparse.Namespace, say: Language) -> int:
    from vms_plugin import reconciling  # noqa: PLC0415  (brings in the adapters)

    town, faults, _ = _read(options)
    if not options.json:
        _tell(faults, say)
    return reconciling.run(town, options, say)


_VERBS: dict[str, Callable[[argparse.Namespace, Language], int]] = {
    "import": _import,
    "project": _project,
    "check": _check,
    "coverage": _coverage,
    "preview": _preview,
    "gaps": _gaps,
    "calibrate": _calibrate,
    "reconcile": _reconcile,
    "situate": _situate,
}
