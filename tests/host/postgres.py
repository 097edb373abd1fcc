"""A real PostgreSQL with PostGIS on loopback, thrown away at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import psycopg
import shapely
from psycopg import sql

from dispatch_gis.schema import BY_NAME, LAYERS, Type
from dispatch_gis.territory_file import FileSource
from dispatch_gis.territory_rows import text
from dispatch_gis.territory_write import write_town
from dispatch_gis.town import Town
from tests.network import free_port

PASSWORD = "cheval pile agrafe"
_TYPES = {
    Type.TEXT: "text", Type.WHOLE: "bigint", Type.NUMBER: "double precision", Type.YES: "boolean",
}  # fmt: skip


@dataclass
class Cluster:
    """One server, in a folder of its own, with an account that may read and one that may write."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def where(self) -> str:
        return f"host=127.0.0.1 port={self.port} dbname=sig user=lecteur"

    def make(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
            secret.chmod(0o644)
        self._run("initdb", "-D", self._data, "-U", "maitre", "-A", "scram-sha-256",
                  f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
        self.start()
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE sig")
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION postgis")
            connection.execute(f"CREATE ROLE lecteur LOGIN PASSWORD '{PASSWORD}'")

    def start(self) -> None:
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
        settings += " -c unix_socket_directories=''"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"),
                  "-o", settings, "start")  # fmt: skip

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        assert found, "install Debian's PostgreSQL and PostGIS: make test"
        # PostgreSQL refuses to run as root.
        before = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        done = subprocess.run(
            [*before, str(found[-1]), *arguments], cwd="/", check=False, timeout=60,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @contextmanager
    def connect(self, database: str = "sig") -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Lend a connection; what was changed on it is in the server's counters afterwards."""
        with self._connected(database) as connection:
            yield connection
            left = connection.info.backend_pid
        # It writes them on leaving, which it does when it sees that we have left.
        with self._connected("postgres") as connection:
            seen = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
            while connection.execute(seen, [left]).fetchone() != (0,):
                time.sleep(0.01)

    def _connected(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user="maitre", password=PASSWORD,
            autocommit=True,
        )  # fmt: skip

    def write(self, town: Town, schema: str, srid: int = 2154) -> None:
        """Put a town in a schema as GIS staff would: tables with a key, geometries in a grid."""
        path = self.folder / "town.gpkg"
        write_town(town, path)
        source = FileSource(path)
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
            connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO lecteur")
            for layer in LAYERS:
                frame = source.frame(layer.name)
                assert frame is not None
                self._table(connection, schema, layer.name, srid)
                if isinstance(frame, geopandas.GeoDataFrame):
                    frame = frame.to_crs(srid)
                for values in frame.to_dict("records"):
                    self._row(connection, schema, layer.name, values, srid)
            connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO lecteur")

    def _table(
        self, connection: psycopg.Connection[tuple[object, ...]], schema: str, name: str, srid: int
    ) -> None:
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(each.name), sql.SQL(_TYPES[each.type]))
            for each in BY_NAME[name].columns
        ]
        if BY_NAME[name].shape:
            columns.append(sql.SQL("geom geometry(Geometry, {})").format(srid))
        columns.append(sql.SQL("{} serial PRIMARY KEY").format(sql.Identifier("gid")))
        connection.execute(
            sql.SQL("CREATE TABLE {} ({})").format(
                sql.Identifier(schema, name), sql.SQL(", ").join(columns)
            )
        )

    def _row(
        self, connection: psycopg.Connection[tuple[object, ...]], schema: str, name: str,
        values: dict[object, object], srid: int,
    ) -> None:  # fmt: skip
        written = {str(key): value for key, value in values.items() if text(value)}
        shape = written.pop("geometry", None)
        if isinstance(shape, shapely.Geometry):
            written["geom"] = shapely.to_wkb(shapely.set_srid(shape, srid), include_srid=True)
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(map(sql.Identifier, written)),
            sql.SQL(", ").join(sql.Placeholder() * len(written)),
        )
        connection.execute(query, list(written.values()))
