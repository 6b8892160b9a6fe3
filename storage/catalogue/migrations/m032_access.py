"""Grants: who may do what, with which cameras, with which footage, from when until when, and why; roles of one's own;
and what is closed for privacy.

``meta.access_rev`` rises with everything that rights depend on, by triggers: whoever keeps decisions needs to look at
it alone, and nobody who writes can forget it.
"""

from __future__ import annotations

from typing import Final

_RISES: Final = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access_rev'; END"


def _risen_by(name: str, what: str) -> str:
    return f"CREATE TRIGGER access_rises_{name} AFTER {what} {_RISES};"


SQL = f"""
INSERT INTO meta (key, value) VALUES ('access_rev', 1);

CREATE TABLE access_role (          -- sets of actions of one's own; built-in ones are in the program
  name       TEXT PRIMARY KEY,
  actions    TEXT NOT NULL,         -- JSON: a sorted list
  made_us    INTEGER NOT NULL,
  made_by    TEXT NOT NULL,
  made_by_id TEXT,                  -- id of the person; null: not known
  removed_us INTEGER                -- not null: gives nothing any more
) STRICT, WITHOUT ROWID;

CREATE TABLE access_grant (         -- a row is never deleted: the audit log names it
  id            TEXT PRIMARY KEY,   -- grant-…, random
  holder        TEXT NOT NULL,      -- id of a user, or of a token that is nobody's in particular
  role          TEXT NOT NULL,      -- built in, or a name in access_role
  cameras       TEXT NOT NULL,      -- a label query; *: every camera
  footage       TEXT NOT NULL CHECK (footage IN ('all', 'live', 'last', 'range')),
  last_us       INTEGER,            -- of 'last': so much before now
  start_us      INTEGER,            -- of 'range'
  end_us        INTEGER,
  sees_closed   INTEGER NOT NULL DEFAULT 0,  -- 1: footage that is closed for privacy, too
  from_us       INTEGER NOT NULL,
  until_us      INTEGER,            -- null: until it is revoked
  reason        TEXT NOT NULL,      -- the case, the letter, words
  request       TEXT,               -- the approved request that it stands for
  made_us       INTEGER NOT NULL,
  made_by       TEXT NOT NULL,
  made_by_id    TEXT,               -- id of the person; null: not known
  revoked_us    INTEGER,
  revoked_by    TEXT,
  revoked_by_id TEXT,
  CHECK ((footage = 'last') = (last_us IS NOT NULL)),
  CHECK ((footage = 'range') = (start_us IS NOT NULL AND end_us IS NOT NULL AND start_us < end_us))
) STRICT, WITHOUT ROWID;
CREATE INDEX access_grant_holder ON access_grant (holder) WHERE revoked_us IS NULL;
CREATE TRIGGER access_grant_stays BEFORE DELETE ON access_grant BEGIN \
SELECT RAISE(ABORT, 'a grant is revoked, never deleted'); END;
CREATE TRIGGER access_grant_stays_what_it_is BEFORE UPDATE OF id, holder, role, cameras, footage, last_us, start_us, \
end_us, sees_closed, from_us, until_us, reason, request, made_us, made_by, made_by_id ON access_grant
BEGIN SELECT RAISE(ABORT, 'a grant is revoked and given anew, never changed'); END;
CREATE TRIGGER access_grant_stays_revoked BEFORE UPDATE ON access_grant WHEN OLD.revoked_us IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a grant that was revoked does not come back'); END;

CREATE TABLE closure (              -- footage that is closed for privacy; a row is never deleted
  id         TEXT PRIMARY KEY,      -- closure-…, random
  camera     INTEGER NOT NULL REFERENCES camera (key),
  start_us   INTEGER,               -- null: from the beginning
  end_us     INTEGER,               -- null: without an end
  reason     TEXT NOT NULL,
  since_us   INTEGER NOT NULL,
  until_us   INTEGER,               -- null: until it is ended
  made_by    TEXT NOT NULL,
  made_by_id TEXT,                  -- id of the person; null: not known
  ended_us   INTEGER,
  ended_by   TEXT,
  ended_by_id TEXT,
  CHECK (start_us IS NULL OR end_us IS NULL OR start_us < end_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX closure_camera ON closure (camera) WHERE ended_us IS NULL;
CREATE TRIGGER closure_stays BEFORE DELETE ON closure BEGIN \
SELECT RAISE(ABORT, 'what is closed is opened again, never deleted'); END;

{_risen_by("with_a_grant", "INSERT ON access_grant")}
{_risen_by("with_a_revocation", "UPDATE ON access_grant")}
{_risen_by("with_a_role", "INSERT ON access_role")}
{_risen_by("with_a_changed_role", "UPDATE ON access_role")}
{_risen_by("with_a_closure", "INSERT ON closure")}
{_risen_by("with_an_opening", "UPDATE ON closure")}
{_risen_by("with_a_camera", "INSERT ON camera")}
{_risen_by("with_labels", "UPDATE OF id, name, labels, removed_us ON camera")}
{_risen_by("with_a_user", "UPDATE OF removed_us ON user")}
{_risen_by("with_a_token", "UPDATE OF removed_us ON token")}
"""
