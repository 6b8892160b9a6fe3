"""Second factors of users, recovery codes, and what a session was begun with and when whoever has it last proved who
they are. When a user last came in is kept, so that accounts that nobody uses can expire."""

SQL = """
CREATE TABLE factor (               -- what a user proves who they are with, beside a password
  id           TEXT PRIMARY KEY,    -- factor-…, random
  user         TEXT NOT NULL REFERENCES user (id),
  kind         TEXT NOT NULL CHECK (kind IN ('totp', 'passkey')),
  name         TEXT NOT NULL,       -- what its user calls it
  made_us      INTEGER NOT NULL,
  confirmed_us INTEGER,             -- null: being set up, it counts as none
  used_us      INTEGER,             -- null: never
  sealed       TEXT NOT NULL,       -- JSON: of a TOTP its seed, sealed as the passwords of cameras are
  step         INTEGER,             -- of a TOTP: the time step of the last code that was taken; it is good once
  credential   TEXT UNIQUE,         -- of a passkey: its id, base64url
  public_key   TEXT,                -- of a passkey: COSE, base64url
  counter      INTEGER,             -- of a passkey: what it counted at its last use; 0: it does not count
  CHECK ((kind = 'passkey') = (credential IS NOT NULL AND public_key IS NOT NULL AND counter IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX factor_user ON factor (user);

CREATE TABLE recovery_code (        -- each lets in once, in the place of a second factor; a row goes when it is used
  hash    TEXT PRIMARY KEY,         -- SHA-256 of the user's id and the code
  user    TEXT NOT NULL REFERENCES user (id),
  made_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_code_user ON recovery_code (user);

-- 1: a second factor is still to be given; it is good for nothing else.
ALTER TABLE session ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
-- By what it was begun: password, passkey, or the id of a provider.
ALTER TABLE session ADD COLUMN way TEXT NOT NULL DEFAULT 'password';
-- When whoever has it last proved who they are; null: not known.
ALTER TABLE session ADD COLUMN proved_us INTEGER;
-- When a second factor was last given; null: none was.
ALTER TABLE session ADD COLUMN factor_us INTEGER;
-- Last login, or use of a token of theirs; null: none yet. Before it was kept: counted from the upgrade on.
ALTER TABLE user ADD COLUMN seen_us INTEGER;
UPDATE user SET seen_us = CAST(strftime('%s', 'now') AS INTEGER) * 1000000 WHERE removed_us IS NULL;
"""
