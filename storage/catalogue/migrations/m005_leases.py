"""Footage that is being read."""

SQL = """
CREATE TABLE lease (                -- footage that somebody reads, request by request; ends by itself
  camera   INTEGER NOT NULL REFERENCES camera,
  start_us INTEGER NOT NULL,
  end_us   INTEGER NOT NULL CHECK (end_us > start_us),
  until_us INTEGER NOT NULL,        -- when it ends, unless it is taken again
  PRIMARY KEY (camera, start_us, end_us)
) STRICT, WITHOUT ROWID;
"""
