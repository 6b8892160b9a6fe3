"""An order's file in parts: each is written by itself, and nobody waits for all of it."""

SQL = """
CREATE TABLE attachment_part (      -- of a file whose row in attachment has no data; without such a row: on its way
  sha256   TEXT NOT NULL,           -- of the whole file
  number   INTEGER NOT NULL,        -- from 0
  data     BLOB NOT NULL,
  added_us INTEGER NOT NULL,
  PRIMARY KEY (sha256, number)
) STRICT, WITHOUT ROWID;
"""
