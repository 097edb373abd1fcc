-- Live views that are open: written with the line of the register that opens them, erased with the
-- line that closes them. What a host that died left here, its successor closes.
CREATE TABLE viewing (
    id   TEXT PRIMARY KEY,
    body BLOB NOT NULL        -- JSON: the line that opened it
) STRICT, WITHOUT ROWID;
