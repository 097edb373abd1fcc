"""A territory kept in PostGIS: the layers of the file, as tables or views of one schema.

Read only, in one transaction; bounded in time. Whether anything has changed is asked of the
server's own counters, through views down to their tables, so that asking often costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import psycopg
import shapely
from psycopg import conninfo, sql

from dispatch_gis.layers import UnreadableLayerError, foreign, unplaced
from dispatch_gis.schema import LAYERS
from hooks.causes import cause

#: Nobody waits longer for a server that is away, nor for one that is busy.
CONNECT_S = 5
ANSWER_S = 60
#: A layer of another server has no counter here: it is read again this often.
FOREIGN_S = 60
_SCHEMA = "renfort"
_KEPT = ("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "timestamp", "timestamptz")
_DRAWN = ("geometry", "geography")
_DENIED, _CANCELLED = "42501", "57014"

_TRANSACTION = f"""
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL statement_timeout = '{ANSWER_S}s'
"""
_COUNTERS = """
WITH RECURSIVE part(layer, relation) AS (
    SELECT relname::text, pg_class.oid
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %(schema)s AND relname = ANY(%(layers)s) AND relkind = ANY('{r,v,m,f,p}')
  UNION
    SELECT layer, below.relation
    FROM part CROSS JOIN LATERAL (
        SELECT refobjid AS relation
        FROM pg_rewrite JOIN pg_depend ON objid = pg_rewrite.oid
        WHERE ev_class = part.relation AND classid = 'pg_rewrite'::regclass
          AND refclassid = 'pg_class'::regclass
      UNION ALL
        SELECT inhrelid FROM pg_inherits WHERE inhparent = part.relation
    ) AS below
)
SELECT layer, relation::bigint, relfilenode::bigint, relnatts,
       n_tup_ins, n_tup_upd, n_tup_del,
       CASE WHEN relkind = ANY('{v,m}') THEN md5(pg_get_viewdef(relation)) END,
       CASE WHEN relkind = 'f' THEN floor(extract(epoch FROM now()) / %(foreign)s) END
FROM part JOIN pg_class ON pg_class.oid = relation
LEFT JOIN pg_stat_all_tables ON relid = relation
ORDER BY layer, relation
"""
_COLUMNS = """
SELECT attname, typname, coalesce(indisprimary, false)
FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary AND indkey[0] = attnum AND indnatts = 1
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""


class UnreachableDatabaseError(UnreadableLayerError):
    """The server does not answer, or refuses the account."""


class Database:
    """A schema of a PostGIS database. Used by one thread at a time.

    Parameters
    ----------
    where
        A libpq connection string or URI, without the password.
    password
        Sent to the server, shown to nobody.
    schema
        Where the layers are.
    """

    def __init__(self, where: str, *, password: str = "", schema: str = _SCHEMA) -> None:
        self._schema = schema
        self._secret: dict[str, Any] = {"password": password} if password else {}
        self._where = conninfo.make_conninfo(
            where, connect_timeout=CONNECT_S, application_name="renfort",
            keepalives_idle=10, keepalives_interval=5, keepalives_count=3,
            tcp_user_timeout=ANSWER_S * 1000,
        )  # fmt: skip
        self._connection: psycopg.Connection[Any] | None = None
        self._busy = threading.Lock()
        self._read: dict[str, tuple[object, pd.DataFrame]] = {}

    @property
    def name(self) -> str:
        """Say which database it is, without any secret."""
        parts = conninfo.conninfo_to_dict(self._where)
        return f"PostGIS {parts.get('dbname') or parts.get('service') or ''}.{self._schema}"

    def stamp(self) -> Mapping[str, object]:
        """Say, layer by layer, what changes when its rows do.

        Raises
        ------
        UnreachableDatabaseError
            The server does not answer.
        UnreadableLayerError
            The schema has none of the layers.
        """
        names = [layer.name for layer in LAYERS]
        asked = {"schema": self._schema, "layers": names, "foreign": FOREIGN_S}
        with self._asking() as connection, connection.cursor() as cursor:
            counted: dict[str, list[object]] = {}
            for layer, *counters in cursor.execute(_COUNTERS, asked).fetchall():
                counted.setdefault(layer, []).append(tuple(counters))
        if not counted:
            known = ", ".join(names)
            raise UnreadableLayerError(
                "the schema {schema} has none of these tables, or hides them: {known}",
                schema=self._schema,
                known=known,
            )
        return {layer: tuple(counters) for layer, counters in counted.items()}

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Read every layer as it is at one moment; one that has not changed is not read again."""
        stamps = self.stamp()
        with self._asking() as connection:
            yield Snapshot(connection, self._schema, stamps, self._read)

    def close(self) -> None:
        """Leave the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _asking(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend the connection, made anew if it is gone; a server that is away is told as such."""
        with self._busy:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._where, **self._secret, autocommit=True)
                with self._connection.transaction():
                    # Said here and not on connecting: a pooler refuses settings of its own.
                    self._connection.execute(_TRANSACTION)
                    yield self._connection
            except psycopg.OperationalError as error:
                self.close()
                if error.sqlstate == _CANCELLED:
                    raise _slow("") from error
                raise UnreachableDatabaseError(
                    "the server does not answer, or refuses the account ({cause})",
                    cause=cause(error),
                ) from error
            except psycopg.Error as error:
                self.close()
                raise foreign(self.name, error) from error


class Snapshot:
    """The layers at one moment: what `territory_file.read_town` reads."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        schema: str,
        stamps: Mapping[str, object],
        read: dict[str, tuple[object, pd.DataFrame]],
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._stamps = stamps
        self._read = read

    def frame(self, layer: str) -> pd.DataFrame | None:
        """Give a layer in degrees WGS 84, or a table without geometry; None: there is none.

        Raises
        ------
        UnreadableLayerError
            It cannot be read; the message says what the account lacks.
        """
        stamp = self._stamps.get(layer)
        if stamp is None:
            return None
        if layer in self._read and self._read[layer][0] == stamp:
            return self._read[layer][1]
        try:
            frame = self._frame(layer)
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError) and error.sqlstate != _CANCELLED:
                raise  # the server is gone: not the layer's fault
            raise self._why(layer, error) from error
        self._read[layer] = (stamp, frame)
        return frame

    def _frame(self, layer: str) -> pd.DataFrame:
        relation = sql.Identifier(self._schema, layer)
        columns = self._connection.execute(
            _COLUMNS, [relation.as_string(self._connection)]
        ).fetchall()
        key = next((name for name, _, primary in columns if primary), None)
        drawn = _geometry([name for name, kind, _ in columns if kind in _DRAWN])
        plain = [(name, kind) for name, kind, _ in columns if kind not in _DRAWN]
        asked = [
            sql.Identifier(name)
            if kind in _KEPT
            else sql.SQL("{}::text").format(sql.Identifier(name))
            for name, kind in plain
        ]
        if drawn is not None:
            shape = sql.SQL("{}::geometry").format(sql.Identifier(drawn))
            asked.append(sql.SQL("ST_SRID({})").format(shape))
            asked.append(_degrees(shape))
        query = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(asked), relation)
        if key is not None:
            query += sql.SQL(" ORDER BY {}").format(sql.Identifier(key))
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(query).fetchall()
        frame = pd.DataFrame(
            {name: [_cell(row[place]) for row in rows] for place, (name, _) in enumerate(plain)},
            dtype=object,
        )
        if key is not None:
            frame.index = pd.Index(frame[key])
        if drawn is None:
            return frame
        if any(row[-1] is not None and row[-2] == 0 for row in rows):
            raise unplaced(f"{layer} (SRID 0)")
        shapes = shapely.from_wkb(np.array([row[-1] for row in rows], dtype=object))
        return geopandas.GeoDataFrame(
            frame, geometry=geopandas.GeoSeries(shapes, index=frame.index), crs=4326
        )

    def _why(self, layer: str, error: psycopg.Error) -> UnreadableLayerError:
        if error.sqlstate == _DENIED:
            return UnreadableLayerError(
                "the account may not read {layer}: GRANT SELECT ON {schema}.{layer}",
                layer=layer,
                schema=self._schema,
            )
        if error.sqlstate == _CANCELLED:
            return _slow(layer)
        return foreign(layer, error)


def _slow(layer: str) -> UnreadableLayerError:
    return UnreadableLayerError(
        "{layer} was not read within {seconds} s", layer=layer, seconds=ANSWER_S
    )


def _degrees(shape: sql.Composed) -> sql.Composed:
    """Put a geometry in degrees, flat, without curves; one that has no system is left as it is."""
    flat = sql.SQL("ST_CurveToLine(ST_Force2D({}))").format(shape)
    return sql.SQL(
        "ST_AsBinary(CASE WHEN ST_SRID({0}) IN (0, 4326) THEN {1} ELSE ST_Transform({1}, 4326) END)"
    ).format(shape, flat)


def _geometry(names: list[str]) -> str | None:
    """Choose the geometry among several: the usual name, or the first."""
    return next((name for name in ("geom", "geometry") if name in names), next(iter(names), None))


def _cell(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        # With its offset it is an instant, without one an hour of the town: text keeps both.
        return value.isoformat(sep=" ")
    return value
