-- The number of an officer's channel in the VMS: given once, never to another.
CREATE TABLE channel (
    name   TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
