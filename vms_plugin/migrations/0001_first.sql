-- The journal: facts only, never edited. A second telling of the same fact is refused by its id.
CREATE TABLE fact (
    seq      INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL,
    incident TEXT,               -- NULL: a position of a device outside any incident
    at       TEXT NOT NULL,      -- when it happened
    heard_at TEXT NOT NULL,      -- when this host heard it
    body     BLOB NOT NULL       -- JSON
) STRICT;
CREATE INDEX fact_by_incident ON fact (incident, seq);

-- What nobody understood, kept so that a person can.
CREATE TABLE unread (
    seq         INTEGER PRIMARY KEY,
    adapter     TEXT NOT NULL,
    channel     TEXT NOT NULL,
    sender      TEXT NOT NULL,
    received_at TEXT NOT NULL,
    fault       TEXT NOT NULL,
    size        INTEGER NOT NULL,
    body        BLOB NOT NULL    -- the first 64 KiB
) STRICT;

-- The newest picture of each incident: gives versions that survive a restart.
CREATE TABLE picture (
    incident TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    closed   INTEGER NOT NULL,
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX picture_open ON picture (closed);

-- The version shown, per subject and adapter.
-- A row with version 0 says that a first call was made and its answer never came.
CREATE TABLE delivery (
    subject   TEXT NOT NULL,
    adapter   TEXT NOT NULL,
    version   INTEGER NOT NULL,
    receipt   TEXT,
    PRIMARY KEY (subject, adapter)
) STRICT, WITHOUT ROWID;

-- Crews as last known; no history is kept of where they were.
CREATE TABLE crew (
    id   TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts and sessions of the page. Only hashes are stored.
CREATE TABLE account (
    name     TEXT PRIMARY KEY,
    password TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    token   TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
