"""Which cameras people watch live."""

SQL = """
CREATE TABLE watched (              -- cameras whose recorder is to be quick, since somebody watches them live
  camera   INTEGER PRIMARY KEY REFERENCES camera (key),
  until_us INTEGER NOT NULL         -- unless it is said again before
) STRICT;
"""
