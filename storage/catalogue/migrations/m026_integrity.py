"""What comparing the audit log, the schema and the holds has found last."""

SQL = """
CREATE TABLE integrity (            -- storage/integrity/findings.py
  what       TEXT PRIMARY KEY CHECK (what IN ('audit', 'schema', 'holds')),
  checked_us INTEGER NOT NULL,
  since_us   INTEGER,               -- first found wrong then; null: nothing is wrong
  faults     TEXT NOT NULL          -- JSON: what is wrong, in words
) STRICT, WITHOUT ROWID;
"""
