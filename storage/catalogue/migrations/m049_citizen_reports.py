"""Faults of public cameras that citizens report."""

SQL = """
CREATE TABLE citizen_report (      -- what citizens say of a camera; nothing of who they are is kept
  id       TEXT PRIMARY KEY,       -- random
  camera   INTEGER NOT NULL REFERENCES camera (key),
  kind     TEXT NOT NULL,          -- what is wrong: dark, damaged, blocked, elsewhere, other
  first_us INTEGER NOT NULL,       -- when it was reported first
  last_us  INTEGER NOT NULL,       -- and last: the same within an hour is one report
  count    INTEGER NOT NULL CHECK (count > 0),  -- how often
  note     TEXT NOT NULL           -- what the first of them who wrote something wrote; '' if nobody did
) STRICT;
CREATE INDEX citizen_report_camera ON citizen_report (camera, last_us);
"""
