"""The territory in a town's own PostGIS: read, watched, and missed without harm."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import shapely

from dispatch_gis.layers import UnreadableLayerError
from dispatch_gis.postgis import Database, UnreachableDatabaseError
from dispatch_gis.territory_file import FileSource, read_town
from dispatch_gis.town import Commune, Mask, Town
from hooks import IncidentId, Position
from tests.host.postgres import PASSWORD, Cluster
from tests.host.test_layer_files import CREW, HERE, NOW, TOWN
from vms_plugin.atlas import Atlas
from vms_plugin.cli import main
from vms_plugin.incident import Incident
from vms_plugin.settings import BadConfigurationError, Settings, parse

pytestmark = [pytest.mark.postgis, pytest.mark.timeout(180)]
WHOLE = replace(
    TOWN,
    masks=(Mask(area=shapely.box(0.0001, 45.0001, 0.0002, 45.0002), camera=TOWN.cameras[0].id),),
    communes=(Commune(code="34344", name="Ville", area=shapely.box(-0.1, 44.9, 0.1, 45.1)),),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Not among pytest's folders, which are their owner's alone: the server has its own account.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        made = Cluster(Path(folder))
        made.make()
        made.write(WHOLE, "renfort")
        yield made
        made.stop()


@pytest.fixture
def schema(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """A schema of the test's own."""
    name = f"s{abs(hash(request.node.name)):x}"
    cluster.write(WHOLE, name)
    return name


class Bases(Protocol):
    def __call__(self, schema: str = "renfort", **rest: Any) -> Database: ...


class Atlases(Protocol):
    def __call__(self, schema: str, **settings: Any) -> Atlas: ...


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Bases]:
    made = []

    def make(schema: str = "renfort", **rest: Any) -> Database:
        asked = {"where": cluster.where, "password": PASSWORD, **rest}
        made.append(Database(asked.pop("where"), schema=schema, **asked))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def atlas(cluster: Cluster, tmp_path: Path) -> Iterator[Atlases]:
    made = []

    def make(schema: str, **settings: Any) -> Atlas:
        usual = Settings(
            postgis=cluster.where, postgis_password=PASSWORD, postgis_schema=schema,
            database=tmp_path / "renfort.db",
        )  # fmt: skip
        made.append(Atlas(replace(usual, **settings)))
        made[-1].load()
        return made[-1]

    yield make
    for each in made:
        each.close()


def read(base: Database) -> Town:
    with base.snapshot() as source:
        town, faults = read_town(source)
    assert not faults
    return town


def test_a_town_in_a_database_is_the_town(cluster: Cluster, database: Bases) -> None:
    town = read(database())

    assert [street.name for street in town.streets] == [street.name for street in TOWN.streets]
    assert [camera.id for camera in town.cameras] == ["layer:1", "layer:2"]
    for ours, theirs in zip(TOWN.cameras, town.cameras, strict=True):
        assert ours.position is not None
        assert theirs.position is not None
        assert theirs.position.lon == pytest.approx(ours.position.lon, abs=1e-8)
        assert theirs.position.lat == pytest.approx(ours.position.lat, abs=1e-8)
    assert town.masks[0].camera == "layer:1"
    assert town.communes[0].code == "34344"


def changed(base: Database, cluster: Cluster, statement: str) -> bool:
    before = base.stamp()
    with cluster.connect() as connection:
        connection.execute(statement)
    return base.stamp() != before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {}.cameras SET nom = 'Gare' WHERE id = '1'",
        "DELETE FROM {}.cameras WHERE id = '2'",
        "INSERT INTO {}.fermetures (rue) VALUES ('Rue Droite')",
        "TRUNCATE {}.rues",
        "ALTER TABLE {}.cameras ADD COLUMN remarque text",
        "DROP TABLE {}.masques",
    ],
)
def test_any_change_is_seen(cluster: Cluster, schema: str, statement: str, database: Bases) -> None:
    assert changed(database(schema), cluster, statement.format(schema))


def test_nothing_is_read_again_when_nothing_has_changed(
    cluster: Cluster, schema: str, database: Bases
) -> None:
    base = database(schema)
    with base.snapshot() as source:
        before = source.frame("rues"), source.frame("cameras")
    with cluster.connect() as connection:
        connection.execute(f"UPDATE {schema}.cameras SET nom = 'Gare' WHERE id = '1'")

    with base.snapshot() as source:
        assert source.frame("rues") is before[0]
        assert source.frame("cameras") is not before[1]


def test_views_over_the_town_s_own_tables_are_layers(cluster: Cluster, database: Bases) -> None:
    with cluster.connect() as connection:
        connection.execute("""
            CREATE SCHEMA ville; CREATE SCHEMA vues;
            CREATE TABLE ville.videoprotection (
                gid serial PRIMARY KEY, libelle varchar(50), cap numeric(5, 1), pose timestamptz,
                genre text, the_geom geometry(Point, 2154));
            INSERT INTO ville.videoprotection (libelle, cap, genre, the_geom)
            VALUES ('Été', 92.5, 'fixe',
                ST_Transform(ST_SetSRID(ST_Point(4.08, 43.56), 4326), 2154));
            CREATE VIEW vues.cameras AS SELECT gid AS id, libelle AS nom, cap AS azimut_deg,
                genre AS type, the_geom FROM ville.videoprotection;
            GRANT USAGE ON SCHEMA vues TO lecteur; GRANT SELECT ON vues.cameras TO lecteur;
        """)
    base = database("vues")

    [camera] = read(base).cameras

    assert (camera.id, camera.name, camera.heading_deg) == ("layer:1", "Été", 92.5)
    assert camera.position is not None
    assert (camera.position.lon, camera.position.lat) == pytest.approx((4.08, 43.56), abs=1e-8)
    assert changed(base, cluster, "UPDATE ville.videoprotection SET cap = 10")
    turned = (
        "CREATE OR REPLACE VIEW vues.cameras AS SELECT gid AS id, libelle AS nom, "
        "(cap + 1)::numeric(5, 1) AS azimut_deg, genre AS type, the_geom FROM ville.videoprotection"
    )
    assert changed(base, cluster, turned)


def test_curves_and_heights_are_flattened(cluster: Cluster, database: Bases) -> None:
    with cluster.connect() as connection:
        connection.execute("""
            CREATE SCHEMA courbes;
            CREATE TABLE courbes.masques (camera text, geom geometry);
            INSERT INTO courbes.masques VALUES ('', ST_GeomFromEWKT('SRID=4326;CURVEPOLYGON Z('
                'CIRCULARSTRING Z(0 45 1, 0.001 45.001 1, 0.002 45 1, 0.001 44.999 1, 0 45 1))'));
            GRANT USAGE ON SCHEMA courbes TO lecteur; GRANT SELECT ON courbes.masques TO lecteur;
        """)

    [mask] = read(database("courbes")).masks

    assert mask.area.area == pytest.approx(3.14159e-6, rel=0.01)
    assert not mask.area.has_z


@pytest.mark.parametrize(
    ("kind", "instant"),
    [
        ("timestamptz", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("timestamp", datetime(2026, 11, 23, 11, tzinfo=UTC)),  # noon in town
    ],
)
def test_an_instant_is_an_instant_and_an_hour_is_the_town_s(
    cluster: Cluster, kind: str, instant: datetime, database: Bases
) -> None:
    with cluster.connect() as connection:
        connection.execute(f"""
            CREATE SCHEMA t_{kind};
            CREATE TABLE t_{kind}.fermetures (rue text, fin {kind});
            INSERT INTO t_{kind}.fermetures VALUES ('Rue Droite', '2026-11-23 12:00+00');
            GRANT USAGE ON SCHEMA t_{kind} TO lecteur;
            GRANT SELECT ON t_{kind}.fermetures TO lecteur;
        """)

    [closure] = read(database(f"t_{kind}")).closures

    assert closure.until == instant


# --- what goes wrong is said, without secrets ---


def test_a_server_that_is_away_is_said_to_be(database: Bases) -> None:
    base = database(where="host=127.0.0.1 port=1 dbname=sig user=lecteur")

    with pytest.raises(UnreachableDatabaseError, match="does not answer") as caught:
        base.stamp()
    assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_not_repeated(database: Bases) -> None:
    base = database(password="tout faux")

    with pytest.raises(UnreachableDatabaseError, match="refuses") as caught:
        base.stamp()
    assert "tout faux" not in str(caught.value)


def test_a_layer_the_account_may_not_read_is_named(
    cluster: Cluster, schema: str, database: Bases
) -> None:
    with cluster.connect() as connection:
        connection.execute(f"REVOKE SELECT ON {schema}.cameras FROM lecteur")

    with pytest.raises(UnreadableLayerError, match=rf"GRANT SELECT ON {schema}\.cameras"):
        read(database(schema))


def test_a_schema_without_layers_is_said(database: Bases) -> None:
    with pytest.raises(UnreadableLayerError, match="nulle_part"):
        database("nulle_part").stamp()


def test_a_geometry_without_system_could_be_anywhere(cluster: Cluster, database: Bases) -> None:
    with cluster.connect() as connection:
        connection.execute("""
            CREATE SCHEMA sans_srid;
            CREATE TABLE sans_srid.cameras (id text, geom geometry);
            INSERT INTO sans_srid.cameras VALUES ('1', ST_Point(700000, 6600000));
            GRANT USAGE ON SCHEMA sans_srid TO lecteur;
            GRANT SELECT ON sans_srid.cameras TO lecteur;
        """)

    with pytest.raises(UnreadableLayerError, match="SRID 0"):
        read(database("sans_srid"))


def test_names_are_names_and_nothing_else(database: Bases) -> None:
    with pytest.raises(UnreadableLayerError):
        database('renfort"; DROP TABLE renfort.cameras; --').stamp()
    assert len(read(database()).cameras) == 2


# --- the host ---


def told(atlas: Atlas) -> Any:
    return atlas.situate(Incident(id=IncidentId("a:1")), HERE, [CREW], NOW, None)


def test_a_street_closed_in_the_database_is_closed_without_restart(
    cluster: Cluster, schema: str, atlas: Atlases
) -> None:
    found = atlas(schema)
    before = told(found).reinforcements[0].time_s
    until = (NOW + timedelta(hours=1)).isoformat()
    with cluster.connect() as connection:
        connection.execute(
            f"INSERT INTO {schema}.fermetures (nom, fin, geom) VALUES ('Marché', '{until}', "
            "ST_Transform(ST_MakeEnvelope(0.001, 44.9995, 0.0012, 45.0005, 4326), 2154))"
        )

    assert found.refresh()
    assert told(found).reinforcements[0].time_s > 2 * before
    assert not found.refresh()


def test_a_host_that_starts_without_the_server_has_the_copy(
    cluster: Cluster, schema: str, atlas: Atlases
) -> None:
    first = atlas(schema)
    assert not first.refresh()  # the quiet moment in which the copy is made
    expected = {sighting.camera.id for sighting in told(first).sightings}

    second = atlas(schema, postgis=replace(cluster, port=1).where)

    assert {sighting.camera.id for sighting in told(second).sightings} == expected
    said = " ".join(str(note) for note in second.notes())
    assert "does not answer" in said
    assert "the copy of" in said
    assert not second.refresh()


def test_a_server_that_goes_and_comes_back_is_followed(cluster: Cluster, atlas: Atlases) -> None:
    found = atlas("renfort")
    before = told(found)
    cluster.stop()

    assert found.refresh()
    assert "stays in force" in " ".join(str(note) for note in found.notes())
    assert told(found).sightings == before.sightings

    cluster.start()
    assert found.refresh()
    assert found.notes() == []
    assert told(found).sightings == before.sightings


def test_without_server_and_without_copy_the_room_still_works(
    tmp_path: Path, atlas: Atlases
) -> None:
    found = atlas("renfort", postgis=Cluster(tmp_path, port=1).where)

    assert told(found).sightings == ()
    assert "does not answer" in " ".join(str(note) for note in found.notes())
    assert Position(lon=0, lat=0)  # and a place can still be shown


def test_the_settings_say_where(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "sig.mdp").write_text(PASSWORD + "\n")
    section = {
        "postgis": cluster.where, "postgis_schema": "renfort",
        "postgis_password_file": "sig.mdp",
    }  # fmt: skip

    found = parse({"territory": section}, tmp_path)

    assert (found.postgis, found.postgis_schema, found.postgis_password) == (
        cluster.where, "renfort", PASSWORD,
    )  # fmt: skip
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize("written", ["host=x password=hunter2", "hunter2", "", 7, "host='hunter2"])
def test_a_secret_in_the_wrong_place_is_not_repeated(written: object, tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError) as caught:
        parse({"territory": {"postgis": written}}, tmp_path)

    [fault] = caught.value.faults
    assert fault.key == "territory.postgis"
    assert "hunter2" not in f"{fault.value} {fault.remedy}"


def test_a_file_and_a_database_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "t.gpkg").touch()
    both = {"territory": {"postgis": "dbname=sig", "layers": "t.gpkg"}}

    with pytest.raises(BadConfigurationError, match="not in both"):
        parse(both, tmp_path)


def test_staff_check_a_database_through_a_file(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    out = str(tmp_path / "t.gpkg")

    assert main(["layers", "import", cluster.where, "--out", out]) == 0

    assert len(read_town(FileSource(tmp_path / "t.gpkg"))[0].cameras) == 2
    assert main(["layers", "import", "dbname=sig host=127.0.0.1 port=1", "--out", out]) == 2
