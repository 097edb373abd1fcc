"""Camera lists as French towns hand them over."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from dispatch_gis.field_map import read_field_map
from dispatch_gis.importing import Import
from dispatch_gis.layers import Fault, UnreadableLayerError
from dispatch_gis.tables import number
from hooks import Camera, CameraKind

PARIS = Path(__file__).parents[2] / ".." / "shared" / "data" / "paris_police_cameras_2019.csv"
#: Three cameras of La Grande-Motte, so that a stray shows.
BASE = "id;nom;lon;lat\n1;Gare;4,0853;43,5606\n2;Port;4,0841;43,5590\n3;Été;4,0870;43,5611\n"


def read(
    tmp_path: Path, written: str | bytes, field_map: str = "", name: str = "c.csv"
) -> tuple[tuple[Camera, ...], list[Fault]]:
    path = tmp_path / name
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    importing = Import()
    if field_map:
        (tmp_path / "champs.toml").write_text(field_map, encoding="utf-8")
        importing = Import(field_map=read_field_map(tmp_path / "champs.toml"))
    importing.add(path)
    return importing.whole().cameras, importing.faults


@pytest.mark.parametrize(
    "content",
    [BASE.encode(), b"\xef\xbb\xbf" + BASE.encode(), BASE.encode("cp1252"),
     BASE.encode("latin-1").replace(b"\n", b"\r\n"), BASE.encode("utf-16"),
     BASE.replace(";", "\t").encode()],
)  # fmt: skip
def test_separators_encodings_and_decimal_commas_are_found_out(
    tmp_path: Path, content: bytes
) -> None:
    cameras, faults = read(tmp_path, content)

    assert not faults
    assert [camera.name for camera in cameras] == ["Gare", "Port", "Été"]
    place = cameras[0].position
    assert place is not None
    assert (place.lon, place.lat) == (4.0853, 43.5606)


@pytest.mark.parametrize(
    ("header", "row"),
    [("id;X L93;Y L93", "1;787 716,154;6 274 106,638"), ("id;x;y", "1;787716.154;6274106.638"),
     ("ref;coord_x;coord_y", "1;787.716,154;6.274.106,638"),
     ("id;geo_point_2d", "1;43.56060, 4.08530"), ("id;WKT", "1;POINT (4.0853 43.5606)"),
     ("id;WKT", "1;SRID=4326"), ("id;Longitude;Latitude", "1;4.0853;43.5606")],
)  # fmt: skip
def test_places_are_read_however_they_are_written(tmp_path: Path, header: str, row: str) -> None:
    cameras, faults = read(tmp_path, f"{header}\n{row}\n")

    if "SRID" in row:
        assert not cameras
        assert faults[0].dropped
        return
    [camera] = cameras
    assert camera.position is not None
    assert camera.position.lon == pytest.approx(4.0853, abs=1e-5)
    assert camera.position.lat == pytest.approx(43.5606, abs=1e-5)


@pytest.mark.parametrize("zone", range(42, 51))
def test_a_conformal_conic_zone_is_told_by_its_numbers(tmp_path: Path, zone: int) -> None:
    to_zone = Transformer.from_crs(4326, 3900 + zone, always_xy=True)
    x, y = to_zone.transform(3.2, zone + 0.1)

    [camera] = read(tmp_path, f"id;x;y\n1;{x:.2f};{y:.2f}\n")[0]

    assert camera.position is not None
    assert (camera.position.lon, camera.position.lat) == pytest.approx((3.2, zone + 0.1), abs=1e-5)


def test_a_system_that_cannot_be_told_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreadableLayerError, match="crs"):
        read(tmp_path, "id;x;y\n1;500000;2300000\n")

    [camera] = read(tmp_path, "id;x;y\n1;500000;2300000\n", "crs = 2975")[0]
    assert camera.position is not None


GRID = "id;x_l93;y_l93;angle\n1;787716,154;6274106,638;{angle}\n"


@pytest.mark.parametrize(
    ("convention", "angle"),
    [("boussole", 90.0), ("grille", 89.21), ("trigonometrique", 0.79)],
)
def test_every_convention_of_angle_comes_out_as_the_true_bearing(
    tmp_path: Path, convention: str, angle: float
) -> None:
    """At La Grande-Motte true north lies at -0.79 degrees of the Lambert-93 grid."""
    recipe = f'angle = "{convention}"\n[champs]\nazimut_deg = "angle"\n'

    [camera] = read(tmp_path, GRID.format(angle=f"{angle:.2f}".replace(".", ",")), recipe)[0]

    assert camera.heading_deg == pytest.approx(90, abs=0.01)


@pytest.mark.parametrize("place", [(4.0853, 43.5606), (-4.4861, 48.3904), (9.45, 42.7)])
def test_a_grid_bearing_is_the_ground_s_once_corrected(
    tmp_path: Path, place: tuple[float, float]
) -> None:
    """Independent of convergence formulas: measured along a short line on the ellipsoid."""
    to_grid = Transformer.from_crs(4326, 2154, always_xy=True)
    lon, lat, _ = Geod(ellps="GRS80").fwd(*place, 30.0, 50.0)
    (x, y), (ahead_x, ahead_y) = to_grid.transform(*place), to_grid.transform(lon, lat)
    grid = math.degrees(math.atan2(ahead_x - x, ahead_y - y))
    text = f"id;x_l93;y_l93;cap\n1;{x};{y};{grid}\n"

    [camera] = read(tmp_path, text, 'angle = "grille"\n[champs]\nazimut_deg = "cap"\n')[0]

    assert camera.heading_deg == pytest.approx(30, abs=0.02)


def test_a_town_s_own_columns_and_codes_are_mapped(tmp_path: Path) -> None:
    given = "REFCAM;type_camera;etat;x_l93;y_l93\nC12;01;oui;787716;6274106\n"
    recipe = '[champs]\nid = "REFCAM"\nen_service = "etat"\n[valeurs.type]\n"01" = "dome"\n'
    recipe = recipe.replace('"REFCAM"\n', '"REFCAM"\ntype = "type_camera"\n')

    [camera] = read(tmp_path, given, recipe)[0]

    assert (camera.id, camera.kind) == ("layer:C12", CameraKind.DOME)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [('[champs]\nid = "nulle part"', "no column nulle part"), ("couleur = 1", "couleur"),
     ('[champs]\nhaut = "id"', "unknown field haut"), ('angle = "nord"', "boussole"),
     ("crs = 99999999", "crs"), ("crs =", "champs.toml"),
     ('angle = "grille"', "crs")],
)  # fmt: skip
def test_a_wrong_map_is_refused_by_its_key(tmp_path: Path, recipe: str, said: str) -> None:
    with pytest.raises(UnreadableLayerError, match=said):
        read(tmp_path, BASE.replace("nom", "azimut"), recipe)


@pytest.mark.parametrize(
    ("row", "said", "kept"),
    [("4;X;0;0", "Africa", 3), ("4;X;;", "where the camera is", 3), ("4;X;oui;non", "where", 3),
     ("4;X;43,56;4,08", "swapped", 3), ("4;X;2,35;48,85", "50 km", 4), ("4;X;400;99", "earth", 3),
     ("4;X", "2 cells under 4", 3), ("4;a;b;4,08;43,56", "5 cells under 4", 3)],
)  # fmt: skip
def test_a_wrong_row_is_said_and_the_others_are_kept(
    tmp_path: Path, row: str, said: str, kept: int
) -> None:
    cameras, faults = read(tmp_path, BASE + row + "\n")

    assert len(cameras) == kept
    assert {fault.row for fault in faults} == {4}
    assert any(said in str(fault.message) for fault in faults)
    assert all("c.csv" in str(fault.message) for fault in faults)


@pytest.mark.parametrize(
    "junk", [b"", b"\0\1\2", b"id;lon;lat\n", b"seul\n1\n", b"id;nom\n1;Gare\n", b"\xff" * 100]
)
def test_what_is_no_table_is_refused(tmp_path: Path, junk: bytes) -> None:
    with pytest.raises(UnreadableLayerError):
        read(tmp_path, junk)


@given(st.floats(-1e7, 1e7))
def test_a_number_is_read_as_a_spreadsheet_shows_it(value: float) -> None:
    shown = f"{value:,.3f}"

    assert number(shown.replace(",", "\u202f").replace(".", ",")) == pytest.approx(value, abs=1e-3)
    assert number(f"{value:.3f}") == pytest.approx(value, abs=1e-3)


@given(st.text(max_size=12))
def test_any_cell_is_a_number_or_none(cell: str) -> None:
    found = number(cell)

    assert found is None or math.isfinite(found)


@pytest.mark.skipif(not PARIS.exists(), reason=f"needs ../shared/data/{PARIS.name}")
def test_the_list_of_paris_is_read_whole() -> None:
    importing = Import()
    importing.add(PARIS)

    cameras = importing.whole().cameras
    assert len(cameras) + sum(fault.dropped for fault in importing.faults) == 707
    assert len(cameras) > 700
