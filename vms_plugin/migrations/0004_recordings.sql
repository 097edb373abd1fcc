-- Docked recordings: what is known of them. Their content is in files, or in an S3 store.
CREATE TABLE recording (
    id          TEXT PRIMARY KEY,
    device      TEXT NOT NULL,       -- empty: unknown
    officer     TEXT NOT NULL,       -- the maker's id of the wearer; empty: unknown
    started_at  TEXT,                -- NULL: unknown; the month is then counted from received_at
    ended_at    TEXT,
    complete    INTEGER NOT NULL,
    received_at TEXT NOT NULL,
    body        BLOB NOT NULL        -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX recording_by_day ON recording (coalesce(started_at, received_at));

CREATE TABLE piece (
    recording TEXT NOT NULL REFERENCES recording (id),
    name      TEXT NOT NULL,         -- as the sender names it; never a path
    file      TEXT NOT NULL UNIQUE,  -- drawn by lot
    size      INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    kept_at   TEXT NOT NULL,
    body      BLOB NOT NULL,         -- JSON
    PRIMARY KEY (recording, name)
) STRICT, WITHOUT ROWID;

-- Extracted for a procedure: kept by the rules of the procedure (CSI R241-13 al. 3).
CREATE TABLE set_aside (
    recording TEXT PRIMARY KEY REFERENCES recording (id),
    at        TEXT NOT NULL,
    who       TEXT NOT NULL,
    procedure TEXT NOT NULL,         -- judiciaire, administrative, disciplinaire
    number    TEXT NOT NULL,
    why       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Erased from the tables above, its files not yet known to be destroyed.
CREATE TABLE doomed (
    recording TEXT PRIMARY KEY,
    files     BLOB NOT NULL,         -- JSON
    why       TEXT NOT NULL,
    detail    BLOB NOT NULL          -- JSON
) STRICT, WITHOUT ROWID;

-- Words that senders left and that belong to no recording: names of cameras, of wearers.
CREATE TABLE shelf (
    adapter TEXT NOT NULL,
    shelf   TEXT NOT NULL,
    name    TEXT NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (adapter, shelf, name)
) STRICT, WITHOUT ROWID;

-- How long the register is kept is dated data (legal.toml): the file asks for the limit in force.
CREATE TABLE register_limit (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    before TEXT NOT NULL             -- entries older than that may be erased
) STRICT;
DROP TRIGGER register_is_kept_three_years;
CREATE TRIGGER register_is_kept_three_years BEFORE DELETE ON register
WHEN OLD.at >= coalesce((SELECT before FROM register_limit), '')
BEGIN SELECT RAISE(ABORT, 'the register is kept three years'); END;
