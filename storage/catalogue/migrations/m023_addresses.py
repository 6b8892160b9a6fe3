"""Addresses by which players that can't send a header watch one camera."""

SQL = """
CREATE TABLE address (              -- kept for a month after its end
  id            TEXT PRIMARY KEY,   -- random; no secret
  secret        TEXT NOT NULL UNIQUE,       -- SHA-256 of the secret in the address, hexadecimal
  camera        INTEGER NOT NULL REFERENCES camera,
  start_us      INTEGER,            -- the range that it shows; null: live
  end_us        INTEGER CHECK (end_us > start_us),
  made_by       TEXT NOT NULL,      -- who made it, as the audit log names them
  user          TEXT,               -- the user whose rights it carries, and since when there is that user: \
the name may come again
  user_since_us INTEGER,
  token         TEXT,               -- or the token's id
  made_us       INTEGER NOT NULL,
  until_us      INTEGER NOT NULL CHECK (until_us > made_us),     -- it shows nothing from then on
  revoked_us    INTEGER,            -- null: not revoked
  revoked_by    TEXT,
  used_us       INTEGER,            -- when a use of it was last entered in the audit log
  rev           INTEGER NOT NULL,
  CHECK ((start_us IS NULL) = (end_us IS NULL)),
  CHECK ((user IS NULL) <> (token IS NULL) AND (user IS NULL) = (user_since_us IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX address_until ON address (until_us);
"""
