"""The audit log: who did what, when, from where. Rows are only ever added, each sealed by the hash of the
one before."""

SQL = """
CREATE TABLE audit (                -- storage/catalogue/audit.py says how hash is made
  seq      INTEGER PRIMARY KEY,     -- 1, 2, 3, … without a hole
  at_us    INTEGER NOT NULL,
  actor    TEXT NOT NULL,           -- user, token, person at the command line, or 'server'
  address  TEXT NOT NULL,           -- network address; 'local' at the command line, '' of the server itself
  action   TEXT NOT NULL,           -- a stable snake_case word
  camera   TEXT,                    -- the text id: what the log says must not hang on another table
  detail   TEXT NOT NULL,           -- JSON object; no secrets
  previous TEXT NOT NULL,           -- hash of the entry before; '' of the first
  hash     TEXT NOT NULL            -- SHA-256, hexadecimal
) STRICT;
CREATE INDEX audit_camera ON audit (camera, seq) WHERE camera IS NOT NULL;
CREATE INDEX audit_time ON audit (at_us);
CREATE TRIGGER audit_follows BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
  OR NEW.previous IS NOT coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '')
BEGIN SELECT RAISE(ABORT, 'an entry of the audit log follows the last one'); END;
CREATE TRIGGER audit_head AFTER INSERT ON audit
BEGIN INSERT OR REPLACE INTO meta (key, value) VALUES ('audit_head', NEW.seq || ':' || NEW.hash); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN \
SELECT RAISE(ABORT, 'the audit log is only added to'); END;
"""
