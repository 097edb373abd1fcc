-- Accounts: the communes of competence (CSI R253-3), who is shut out, where the account comes from.
ALTER TABLE account ADD COLUMN communes TEXT NOT NULL DEFAULT '';       -- INSEE codes, by spaces
ALTER TABLE account ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN provider TEXT NOT NULL DEFAULT '';       -- issuer and subject (OIDC)
-- Hashes of the passwords before: none is taken again.
CREATE TABLE password_before (
    account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    at      TEXT NOT NULL,
    hash    TEXT NOT NULL
) STRICT;
-- Wrong passwords, by name and by address: a restart forgives nobody, an administrator may.
CREATE TABLE knock (
    door TEXT NOT NULL,
    at   REAL NOT NULL
) STRICT;
CREATE INDEX knock_by_door ON knock (door, at);
-- Sessions: since when, from where, and how to end them at the provider's.
ALTER TABLE session ADD COLUMN began_at TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN provider TEXT NOT NULL DEFAULT '';       -- its identity token (OIDC)
-- Keys of this installation, made at the first need.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
