-- A recording may serve several procedures at once: it is kept until the last of them lets it go.
CREATE TABLE aside (
    recording TEXT NOT NULL REFERENCES recording (id),
    at        TEXT NOT NULL,
    who       TEXT NOT NULL,
    procedure TEXT NOT NULL,         -- judiciaire, administrative, disciplinaire
    number    TEXT NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (recording, procedure, number)
) STRICT, WITHOUT ROWID;
INSERT INTO aside SELECT recording, at, who, procedure, number, why FROM set_aside;
DROP TABLE set_aside;
