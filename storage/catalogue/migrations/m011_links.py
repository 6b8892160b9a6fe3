"""Links by which one recipient fetches an export, and where the audit log has a request's steps."""

SQL = """
CREATE TABLE export_link (          -- a row is never deleted
  id         TEXT PRIMARY KEY,      -- random; no secret
  export     TEXT NOT NULL REFERENCES export,
  secret     TEXT NOT NULL,         -- SHA-256 of the link's secret, hexadecimal
  recipient  TEXT NOT NULL,         -- the one whom it is for
  made_by    TEXT NOT NULL,         -- user or token
  made_us    INTEGER NOT NULL,
  until_us   INTEGER NOT NULL CHECK (until_us > made_us),    -- it opens nothing from then on
  revoked_us INTEGER,               -- null: not revoked
  revoked_by TEXT,
  openings   INTEGER NOT NULL DEFAULT 0,    -- how often it was opened
  downloads  INTEGER NOT NULL DEFAULT 0,    -- how often its download was begun; one that goes on in parts is one
  used_us    INTEGER,               -- when it was last opened or downloaded by
  rev        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX export_link_export ON export_link (export, made_us);

CREATE TABLE link_opening (         -- browsers that have opened a link; gone when they are over
  cookie   TEXT PRIMARY KEY,        -- SHA-256 of the cookie, hexadecimal
  link     TEXT NOT NULL REFERENCES export_link,
  until_us INTEGER NOT NULL         -- the cookie opens nothing from then on
) STRICT, WITHOUT ROWID;

-- The audit log's entry of the request, as "number:hash"; null: made before this step.
ALTER TABLE request ADD COLUMN requested_entry TEXT;
-- The audit log's entry of the decision, likewise.
ALTER TABLE request ADD COLUMN decided_entry TEXT;
"""
