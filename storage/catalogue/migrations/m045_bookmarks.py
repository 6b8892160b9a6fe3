"""Moments of a camera's footage that somebody marked with a note."""

SQL = """
CREATE TABLE bookmark (             -- kept when it is removed: notes are part of how footage was judged
  id            TEXT PRIMARY KEY,   -- random
  camera        INTEGER NOT NULL REFERENCES camera,
  at_us         INTEGER NOT NULL,   -- the moment of the footage
  note          TEXT NOT NULL,
  made_by       TEXT NOT NULL,      -- who made it, as the audit log names them
  made_by_id    TEXT,               -- id of the person; null: not known
  made_us       INTEGER NOT NULL,
  removed_us    INTEGER,            -- null: it is there
  removed_by    TEXT,
  removed_by_id TEXT,
  rev           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmark_time ON bookmark (camera, at_us);
"""
