-- What an account may see (rights.py). Closed by default: nobody gains a right by an update.
ALTER TABLE account ADD COLUMN role TEXT NOT NULL DEFAULT 'civil';

-- Who saw or did what with the pictures of officers, when and why (CSI R241-14: kept three years).
-- Each row carries the mark of the one before: what is altered or taken out shows.
CREATE TABLE register (
    seq    INTEGER PRIMARY KEY,
    at     TEXT NOT NULL,
    kind   TEXT NOT NULL,   -- collection, consultation, communication, modification, erasure
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,   -- the incident, or the recording
    why    TEXT NOT NULL,
    detail TEXT NOT NULL,   -- JSON
    before TEXT NOT NULL,   -- mark of the row before; empty for the first
    mark   TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER register_is_not_altered BEFORE UPDATE ON register
BEGIN SELECT RAISE(ABORT, 'the register is not altered'); END;
CREATE TRIGGER register_is_kept_three_years BEFORE DELETE ON register
WHEN OLD.at > strftime('%Y-%m-%dT%H:%M:%S', 'now', '-3 years')
BEGIN SELECT RAISE(ABORT, 'the register is kept three years'); END;
