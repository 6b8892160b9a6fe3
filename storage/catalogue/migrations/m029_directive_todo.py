"""What decisions still have to change, camera by camera: nobody waits for the write lock while a city's are gone
through."""

SQL = """
CREATE TABLE directive_todo (       -- effects of a decision that are not written yet; a row goes with the last of them
  seq        INTEGER PRIMARY KEY,   -- in this order
  directive  TEXT NOT NULL REFERENCES directive,
  revocation TEXT REFERENCES revocation,   -- null: the directive itself takes effect
  node       INTEGER NOT NULL REFERENCES node,   -- of its facts
  detail     TEXT NOT NULL,         -- of its facts, JSON
  times      TEXT NOT NULL,         -- JSON array of [start_us, end_us or null]: when the cameras are under it
  cameras    TEXT NOT NULL,         -- JSON array of their keys
  done       INTEGER NOT NULL DEFAULT 0   -- of so many of them it is written
) STRICT;
"""
