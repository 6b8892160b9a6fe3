"""What retention may do by itself: the rules and floors that were confirmed, what went beyond them, and what waits for
a person."""

SQL = """
CREATE TABLE confirmed_rules (      -- a camera's rules as last confirmed, \
by a person or because they deleted nothing more than before
  camera     INTEGER PRIMARY KEY REFERENCES camera,
  max_age_us INTEGER,               -- null: no such rule
  max_bytes  INTEGER,
  min_age_us INTEGER,
  at_us      INTEGER NOT NULL
) STRICT;

CREATE TABLE confirmed_floor (      -- a root's free space floor as last confirmed
  root        INTEGER PRIMARY KEY REFERENCES root,
  floor_bytes INTEGER NOT NULL,
  at_us       INTEGER NOT NULL
) STRICT;

CREATE TABLE pruned_lately (        -- what went in the last 24 hours, by the hour, where it counts towards the brake
  hour    INTEGER NOT NULL,         -- hours since 1970-01-01, UTC
  what    TEXT NOT NULL CHECK (what IN ('unconfirmed', 'space')),   -- by rules not confirmed; for free space
  subject INTEGER NOT NULL,         -- unconfirmed: the camera's key; space: the root's
  us      INTEGER NOT NULL,         -- length of the footage
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (hour, what, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting_deletion (     -- deletions that wait for a person, by their cause; \
a row goes when nothing waits any more
  cause        TEXT PRIMARY KEY,    -- max_age=<us>, max_bytes=<bytes>, min_age=<us>, floor=<root>:<bytes>, \
space=<root>, clock
  since_us     INTEGER NOT NULL,
  detail       TEXT NOT NULL,       -- JSON: cameras, segments, hours, bytes, ...
  confirmed_us INTEGER,             -- null: nobody has confirmed it yet
  confirmed_by TEXT
) STRICT, WITHOUT ROWID;
"""
