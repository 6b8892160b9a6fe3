"""Cases, what was asked for in them, and links by which one recipient fetches an export."""

SQL = """
CREATE TABLE legal_case (           -- what requests for footage belong to; a row is never deleted
  id           TEXT PRIMARY KEY,    -- random
  number       TEXT NOT NULL UNIQUE,    -- as the authority writes it
  legal_basis  TEXT NOT NULL,       -- the law, the letter
  title        TEXT NOT NULL,       -- a line for people; may be empty
  opened_by    TEXT NOT NULL,       -- user or token
  opened_us    INTEGER NOT NULL,
  closed_us    INTEGER,             -- null: open
  closed_by    TEXT,
  close_reason TEXT,
  rev          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE request (              -- a range of cameras asked for in a case; a row is never deleted
  id           TEXT PRIMARY KEY,    -- random
  legal_case   TEXT NOT NULL REFERENCES legal_case,
  start_us     INTEGER NOT NULL,
  end_us       INTEGER NOT NULL CHECK (end_us > start_us),
  purpose      TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')),
  requester    TEXT NOT NULL,
  requested_us INTEGER NOT NULL,
  decided_by   TEXT,                -- who approved, refused or withdrew
  decided_us   INTEGER,
  decision     TEXT,                -- the reason given
  export       TEXT,                -- id of the export made of it; null: none
  rev          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX request_case ON request (legal_case, requested_us);
CREATE INDEX request_export ON request (export) WHERE export IS NOT NULL;

CREATE TABLE request_camera (       -- the cameras of a request, each with the hold that keeps its footage
  request TEXT NOT NULL REFERENCES request,
  camera  INTEGER NOT NULL REFERENCES camera,
  hold    TEXT NOT NULL REFERENCES hold,
  PRIMARY KEY (request, camera)
) STRICT, WITHOUT ROWID;
"""
