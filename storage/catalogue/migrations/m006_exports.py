"""Exports that the server makes."""

SQL = """
CREATE TABLE export (                 -- jobs; a row is never deleted
  id           TEXT PRIMARY KEY,      -- random; also the package's
  state        TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
  request      TEXT NOT NULL,         -- JSON: cameras, range, case, people; goes into the manifest
  requested_by TEXT NOT NULL,         -- user or token
  requested_us INTEGER NOT NULL,
  holds        TEXT NOT NULL,         -- JSON: ids of the holds that keep its footage until it has ended
  attempts     INTEGER NOT NULL DEFAULT 0,    -- how often it was begun: each restart of the server counts
  started_us   INTEGER,
  ended_us     INTEGER,
  total_bytes  INTEGER,               -- of footage to copy; null: not planned yet
  done_bytes   INTEGER NOT NULL DEFAULT 0,
  reason       TEXT,                  -- why it waits, failed or was cancelled
  folder       TEXT,                  -- name of the package's folder, once it is done
  files        TEXT NOT NULL DEFAULT '[]',    -- JSON: [name, bytes, CRC-32] of each file, in the archive's order
  warnings     TEXT NOT NULL DEFAULT '[]',    -- JSON: what its reader must know
  rev          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX export_open ON export (requested_us) WHERE state IN ('queued', 'running');
CREATE TRIGGER export_stays BEFORE DELETE ON export BEGIN SELECT RAISE(ABORT, 'an export''s row is never deleted'); END;
"""
