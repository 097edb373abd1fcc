-- The way of a crew: of those engaged, with their incident; of the others, only where the town says so.
CREATE TABLE waypoint (
    crew     TEXT NOT NULL,
    at       TEXT NOT NULL,
    incident TEXT,            -- NULL: outside any incident
    lon      REAL NOT NULL,   -- degrees, WGS 84
    lat      REAL NOT NULL,
    PRIMARY KEY (crew, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX waypoint_by_incident ON waypoint (incident, at);
CREATE INDEX waypoint_by_age ON waypoint (at);

-- Who wore what, as the roster ever said: a row rewritten in the table does not rewrite the past.
CREATE TABLE assignment (
    device    TEXT NOT NULL,
    call_sign TEXT NOT NULL,
    name      TEXT NOT NULL,
    wearer    TEXT NOT NULL,  -- the maker's identifier of the wearer
    crew      TEXT NOT NULL,
    start     TEXT NOT NULL,  -- empty: since ever
    end       TEXT NOT NULL,  -- empty: without end
    told_at   TEXT NOT NULL,  -- when the roster was first read with it
    gone_at   TEXT,           -- when it was first read without it
    PRIMARY KEY (device, call_sign, name, wearer, crew, start, end)
) STRICT, WITHOUT ROWID;
