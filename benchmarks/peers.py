"""Time the same question asked of what towns have: PostGIS with pgRouting, GeoPandas with OSMnx.

    python -m benchmarks.peers [--town FILE.osm.pbf]

Everybody is given the same streets, seconds, visible areas and crews, indexed and prepared
beforehand, and answers from the same places: which areas meet the disc where the man may be, and
the five soonest crews. The peers give times alone; we also give the ways, shares and reasons.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas
import networkx
import numpy as np
import osmnx
import psycopg
import shapely

from benchmarks.common import NOW, ROUNDS, arguments, crews, places, timed
from dispatch_gis.coverage import areas
from dispatch_gis.osm import read_town
from dispatch_gis.situation import SituateSettings, Territory, situate
from hooks import Crew, Means, Position
from tests.host.postgres import Cluster

CREWS = 100
#: Nobody is looked for farther, in seconds: enough for five crews of a hundred anywhere in town.
FAR_S = 600
_SEEN = "SELECT id FROM area WHERE ST_DWithin(geom, ST_Point(%(x)s, %(y)s), %(r)s)"
_NODE = "(SELECT id FROM node ORDER BY geom <-> ST_Point(%(x)s, %(y)s) LIMIT 1)"
_REVERSED = "'SELECT id, target AS source, source AS target, cost, reverse_cost FROM edge'"
_AROUND = f"""
SELECT crew.id, agg_cost FROM pgr_drivingDistance({_REVERSED}, {_NODE}, {FAR_S}, true) AS reached
JOIN crew ON crew.node = reached.node ORDER BY agg_cost LIMIT 5
"""
_EACH = f"""
SELECT end_vid, agg_cost FROM pgr_dijkstraCost({_REVERSED}, {_NODE},
    (SELECT array_agg(DISTINCT node) FROM crew), true) ORDER BY agg_cost LIMIT 5
"""  # fmt: skip


class Prepared:
    """The town as plain tables, for whoever wants to ask it."""

    def __init__(self, territory: Territory, free: list[Crew]) -> None:
        self.territory = territory
        network = territory.roads.at(NOW)[0][Means.CAR]
        # The same weights, on the junctions alone: nobody here knows of split ones.
        graph = network.graph
        self.edges = [
            (int(tail), int(graph.heads[arc]), float(network._times[arc // 2]))
            for tail, arc in zip(graph.tails, graph.arcs, strict=True)
        ]
        ends = [shapely.get_coordinates(line) for line in network.lines.shapes()]
        self.nodes: dict[int, tuple[float, float]] = {}
        for tail, arc in zip(graph.tails.tolist(), graph.arcs.tolist(), strict=True):
            self.nodes[tail] = tuple(ends[arc // 2][-(arc % 2)].tolist())
        self.names = list(self.nodes)
        self.at = np.array([self.nodes[name] for name in self.names])
        self.areas = areas(list(territory.coverages.values()), territory.plane)
        self.crews = [self.nearest(self.metres(crew.position)) for crew in free if crew.position]

    def metres(self, place: Position) -> tuple[float, float]:
        """Give a place in the town's plane."""
        east, north = self.territory.plane.to_metres(place.lon, place.lat)
        return float(east), float(north)

    def nearest(self, metres: tuple[float, float]) -> int:
        """Give the nearest junction."""
        return self.names[int(np.hypot(*(self.at - metres).T).argmin())]


def main() -> None:
    """Print the table."""
    path = arguments(__doc__).parse_args().town
    town = read_town(path)
    settings = SituateSettings()
    territory = Territory(town, town.cameras, settings=settings)
    chance = np.random.default_rng(1)
    where, free = places(town, chance, ROUNDS), crews(town, chance, CREWS)
    prepared = Prepared(territory, free)
    print(f"{path.name}: {len(prepared.nodes)} junctions, {len(prepared.areas)} cameras")
    print(f"{'':<44}{'p50 ms':>10}{'p99 ms':>10}{'ratio':>8}")
    base, p99 = timed(lambda place: situate(territory, place, free, NOW, settings=settings), where)
    print(f"{'situate':<44}{base:>10.2f}{p99:>10.2f}{1:>8}")
    for name, peer, rounds in _peers(prepared):
        p50, p99 = timed(peer, where[:rounds])
        print(f"{name:<44}{p50:>10.2f}{p99:>10.2f}{p50 / base:>8.0f}", flush=True)
    print("floor: one fused compiled kernel, times alone: 0.017 to 0.050 ms (measured apart)")


def _peers(prepared: Prepared) -> Iterator[tuple[str, Callable[[Position], object], int]]:
    with _database(prepared) as connection:
        for name, query in (("pgr_drivingDistance", _AROUND), ("pgr_dijkstraCost", _EACH)):
            yield f"PostGIS + {name}", _asks(connection, prepared, query), 60
    yield "GeoPandas + networkx, one Dijkstra from him", _one_search(prepared), 60
    yield "GeoPandas + OSMnx, a path for each crew", _path_each(prepared), 5


@contextmanager
def _database(prepared: Prepared) -> Iterator[psycopg.Connection]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "pg"
        data.mkdir()
        cluster = Cluster(data)
        cluster.make()
        try:
            with cluster.connect() as connection:
                _load(connection, prepared)
                yield connection
        finally:
            cluster.stop()


def _load(connection: psycopg.Connection, prepared: Prepared) -> None:
    connection.execute("""
        CREATE EXTENSION pgrouting;
        CREATE TABLE edge (id serial, source bigint, target bigint, cost float, reverse_cost float);
        CREATE TABLE node (id bigint, geom geometry(Point));
        CREATE TABLE area (id int, geom geometry);
        CREATE TABLE crew (id int, node bigint);
    """)
    with connection.cursor() as cursor:
        with cursor.copy("COPY edge (source, target, cost, reverse_cost) FROM STDIN") as copy:
            for tail, head, seconds in prepared.edges:
                copy.write_row((tail, head, seconds, -1.0))
        with cursor.copy("COPY node FROM STDIN") as copy:
            for name, (east, north) in prepared.nodes.items():
                copy.write_row((name, f"POINT({east} {north})"))
        with cursor.copy("COPY area FROM STDIN") as copy:
            for number, shape in enumerate(prepared.areas):
                copy.write_row((number, shapely.to_wkb(shape, hex=True)))
        with cursor.copy("COPY crew FROM STDIN") as copy:
            for number, node in enumerate(prepared.crews):
                copy.write_row((number, node))
    connection.execute("""
        CREATE INDEX ON area USING gist (geom); CREATE INDEX ON node USING gist (geom);
        CREATE INDEX ON crew (node); ANALYZE;
    """)


def _asks(
    connection: psycopg.Connection, prepared: Prepared, query: str
) -> Callable[[Position], object]:
    def answer(place: Position) -> object:
        east, north = prepared.metres(place)
        asked = {"x": east, "y": north, "r": place.accuracy_m}
        seen = connection.execute(_SEEN, asked).fetchall()
        return seen, connection.execute(query, asked).fetchall()

    return answer


def _one_search(prepared: Prepared) -> Callable[[Position], object]:
    """Use both as well as can be: the spatial index, one reversed search."""
    frame = geopandas.GeoDataFrame(geometry=prepared.areas)
    back = networkx.DiGraph()
    for tail, head, seconds in prepared.edges:
        if seconds < back.get_edge_data(head, tail, {"time": np.inf})["time"]:
            back.add_edge(head, tail, time=seconds)

    def answer(place: Position) -> object:
        here = prepared.metres(place)
        seen = frame.sindex.query(
            shapely.Point(here), predicate="dwithin", distance=place.accuracy_m
        )
        times = networkx.single_source_dijkstra_path_length(
            back, prepared.nearest(here), cutoff=FAR_S, weight="time"
        )
        return seen, sorted(times.get(node, np.inf) for node in prepared.crews)[:5]

    return answer


def _path_each(prepared: Prepared) -> Callable[[Position], object]:
    """Write what one writes first: OSMnx for the nearest junction and a path for each crew."""
    frame = geopandas.GeoDataFrame(geometry=prepared.areas)
    graph = networkx.MultiDiGraph(crs="EPSG:3857")  # any plane will do: the metres are ours
    for name, (east, north) in prepared.nodes.items():
        graph.add_node(name, x=east, y=north)
    for tail, head, seconds in prepared.edges:
        if tail in prepared.nodes and head in prepared.nodes:
            graph.add_edge(tail, head, time=seconds)

    def answer(place: Position) -> object:
        here = prepared.metres(place)
        seen = frame[frame.intersects(shapely.Point(here).buffer(place.accuracy_m))]
        goal = osmnx.distance.nearest_nodes(graph, *here)
        paths = osmnx.routing.shortest_path(
            graph, prepared.crews, [goal] * len(prepared.crews), weight="time"
        )
        known = [path for path in paths if path is not None]
        times = [networkx.path_weight(graph, path, "time") for path in known]
        return seen, sorted(zip(times, known, strict=True))[:5]

    return answer


if __name__ == "__main__":
    main()
