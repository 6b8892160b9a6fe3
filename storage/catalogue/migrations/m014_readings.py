"""How cameras are read that are not read as their settings say first, and cameras whose data ended a recorder's
process."""

SQL = """
CREATE TABLE reading (              -- storage/catalogue/readings.py; a camera without a row is read as its settings say
  camera     INTEGER PRIMARY KEY REFERENCES camera,
  settings   TEXT NOT NULL,         -- digest of the settings it was found with; with others it means nothing
  source     TEXT NOT NULL CHECK (source IN ('native', 'av')),
  transport  TEXT NOT NULL CHECK (transport IN ('tcp', 'udp')),     -- what is asked for first
  sdp        TEXT,                  -- digest of the session description it was found with; null: not known
  reason     TEXT NOT NULL,         -- why; holds no secrets
  changed_us INTEGER NOT NULL       -- the last change of source, or the last that was tried
) STRICT;

CREATE TABLE quarantine (           -- storage/catalogue/quarantine.py; \
cameras that have a recorder's process of their own
  camera   INTEGER PRIMARY KEY REFERENCES camera,
  settings TEXT NOT NULL,           -- digest of the settings it crashed with; with others it may go back to the rest
  crashes  INTEGER NOT NULL CHECK (crashes > 0),
  first_us INTEGER NOT NULL,
  last_us  INTEGER NOT NULL,
  reason   TEXT NOT NULL            -- how the process ended
) STRICT;
"""
