-- What came of each exercise: the proof that the chain works, and how fast.
CREATE TABLE proof (
    id   TEXT PRIMARY KEY,
    at   TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX proof_by_day ON proof (at);
