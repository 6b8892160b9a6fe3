"""Everyone and everything that acts has an id that never comes again: ``storage/catalogue/actors.py``.

Of rows made before this step the id is known only where a name can have meant one person alone: that of a user who is
still there and was added before. All others stay without one (null): unknown, and equal to nobody. Tokens made before
this step belong to nobody.
"""

from __future__ import annotations

from typing import Final

# Table, column with a name, column with the time at which it was written.
NAMED: Final = (
    ("hold", "placed_by", "placed_us"),
    ("hold", "released_by", "released_us"),
    ("directive", "entered_by", "entered_us"),
    ("revocation", "entered_by", "entered_us"),
    ("public_cut", "cut_by", "since_us"),
    ("public_cut", "ended_by", "ended_us"),
    ("legal_case", "opened_by", "opened_us"),
    ("legal_case", "closed_by", "closed_us"),
    ("request", "requester", "requested_us"),
    ("request", "decided_by", "decided_us"),
    ("export", "requested_by", "requested_us"),
    ("export_link", "made_by", "made_us"),
    ("export_link", "revoked_by", "revoked_us"),
    ("alert", "acknowledged_by", "acknowledged_us"),
    ("waiting_deletion", "confirmed_by", "confirmed_us"),
    ("address", "made_by", "made_us"),
    ("address", "revoked_by", "revoked_us"),
)

# Names that the server itself, and strangers, stood under in rows.
_NOT_USERS: Final = "('server', 'nobody')"

_COLUMNS = "\n".join(
    f"-- Id of the person (or of the token or service, where no person answers for it) that {name} names; null:"
    " not known.\n"
    f"ALTER TABLE {table} ADD COLUMN {name}_id TEXT;\n"
    f"UPDATE {table} SET {name}_id = (SELECT id FROM user WHERE user.name = {table}.{name}"
    f" AND user.created_us <= {table}.{at} AND user.name NOT IN {_NOT_USERS}) WHERE {name} IS NOT NULL;"
    for table, name, at in NAMED
)

SQL = f"""
ALTER TABLE session RENAME TO session_before;
ALTER TABLE user RENAME TO user_before;
ALTER TABLE token RENAME TO token_before;

CREATE TABLE user (                 -- a row is never deleted: \
its id must not come again, and the log must stay readable
  id         TEXT PRIMARY KEY,      -- user-…, random
  name       TEXT NOT NULL,
  password   TEXT NOT NULL,         -- Argon2 hash; '' of one who was removed
  role       TEXT NOT NULL CHECK (role IN ('admin', 'investigator', 'viewer')),
  created_us INTEGER NOT NULL,
  made_by    TEXT,                  -- name of who added them; null: not known
  made_by_id TEXT,                  -- and their id
  removed_us INTEGER                -- not null: can't log in, and the name is free for another
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_name ON user (name) WHERE removed_us IS NULL;
CREATE TRIGGER user_stays BEFORE DELETE ON user BEGIN \
SELECT RAISE(ABORT, 'a user is removed by a mark, never deleted'); END;
CREATE TRIGGER user_stays_who_they_are BEFORE UPDATE OF id, name, created_us, made_by, made_by_id ON user
BEGIN SELECT RAISE(ABORT, 'a user keeps id and name'); END;
CREATE TRIGGER user_stays_removed BEFORE UPDATE ON user WHEN OLD.removed_us IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a user who was removed does not come back'); END;
INSERT INTO user (id, name, password, role, created_us)
  SELECT 'user-' || lower(hex(randomblob(8))), name, password, role, created_us FROM user_before;

CREATE TABLE session (
  hash       TEXT PRIMARY KEY,      -- SHA-256 of the cookie's random value
  user       TEXT NOT NULL REFERENCES user,
  created_us INTEGER NOT NULL,
  expires_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO session SELECT s.hash, u.id, s.created_us, s.expires_us \
FROM session_before s JOIN user u ON u.name = s.user;

CREATE TABLE token (                -- a row is never deleted, for the same reasons
  id           TEXT PRIMARY KEY,    -- random, shown in lists
  hash         TEXT UNIQUE,         -- SHA-256 of the bearer token; null: it was removed
  name         TEXT NOT NULL,
  role         TEXT NOT NULL CHECK (role IN ('admin', 'investigator', 'viewer')),
  created_us   INTEGER NOT NULL,
  last_used_us INTEGER,
  user         TEXT REFERENCES user,    -- whose it is, and with whom it ends; null: \
made at the command line for nobody, or before this was kept
  made_by      TEXT,                -- name of who made it; null: not known
  made_by_id   TEXT,                -- and their id
  removed_us   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_user ON token (user) WHERE removed_us IS NULL;
CREATE TRIGGER token_stays BEFORE DELETE ON token BEGIN \
SELECT RAISE(ABORT, 'a token is removed by a mark, never deleted'); END;
CREATE TRIGGER token_stays_what_it_is BEFORE UPDATE OF id, name, role, created_us, user, made_by, made_by_id ON token
BEGIN SELECT RAISE(ABORT, 'a token keeps id, name and user'); END;
INSERT INTO token (id, hash, name, role, created_us, last_used_us, made_by)
  SELECT t.id, t.hash, t.name, t.role, t.created_us, t.last_used_us, a.actor FROM token_before t LEFT JOIN
    (SELECT json_extract(detail, '$.token') AS id, min(actor) AS actor FROM audit \
WHERE action = 'token_made' AND json_valid(detail) GROUP BY 1) a ON a.id = t.id;

DROP TABLE session_before;
DROP TABLE user_before;
DROP TABLE token_before;

{_COLUMNS}

-- Id of whom an export is for: who asked for it. Null: not known, so administrators alone may have it.
ALTER TABLE export ADD COLUMN owner_id TEXT;
UPDATE export SET owner_id = CASE WHEN json_extract(request, '$.made_of') IS NULL THEN requested_by_id
  ELSE (SELECT r.requester_id FROM request r WHERE r.id = json_extract(export.request, '$.made_of')) END;

-- A token of before is nobody's, and so answers for itself.
UPDATE address SET made_by_id = 'token-' || token WHERE token IS NOT NULL;

-- Id of who acted, a user's token after a stroke; the last field of the hash. Null, and no field of it: \
an entry of before this step.
ALTER TABLE audit ADD COLUMN actor_id TEXT;
"""
