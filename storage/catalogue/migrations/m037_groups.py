"""Groups of users, which hold grants as users do; and who somebody is at an identity provider, which may fill groups
and end sessions."""

from __future__ import annotations

from typing import Final

_RISES: Final = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'access_rev'; END"

SQL = f"""
CREATE TABLE user_group (           -- a row is never deleted: grants name it
  id         TEXT PRIMARY KEY,      -- group-…, random
  name       TEXT NOT NULL,
  made_us    INTEGER NOT NULL,
  made_by    TEXT NOT NULL,
  made_by_id TEXT,                  -- id of the person; null: not known
  removed_us INTEGER                -- not null: its grants give nothing any more
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_group_name ON user_group (name) WHERE removed_us IS NULL;
CREATE TRIGGER user_group_stays BEFORE DELETE ON user_group BEGIN \
SELECT RAISE(ABORT, 'a group is marked as removed, never deleted'); END;

CREATE TABLE group_member (
  user_group TEXT NOT NULL REFERENCES user_group (id),
  user       TEXT NOT NULL REFERENCES user (id),
  provider   TEXT NOT NULL DEFAULT '',  -- whose login said so; empty: somebody here did
  since_us   INTEGER NOT NULL,
  PRIMARY KEY (user_group, user, provider)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_user ON group_member (user);

CREATE TABLE federated_login (      -- who somebody is at an identity provider
  provider TEXT NOT NULL,           -- its id in the configuration
  subject  TEXT NOT NULL,           -- what it calls them for ever ("sub")
  user     TEXT NOT NULL REFERENCES user (id),
  made_us  INTEGER NOT NULL,
  PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX federated_login_user ON federated_login (user);

-- What the provider calls the session ("sid"), so that it can end it; null: it says nothing.
ALTER TABLE session ADD COLUMN provider_session TEXT;

CREATE TRIGGER access_rises_with_a_member AFTER INSERT ON group_member {_RISES};
CREATE TRIGGER access_rises_without_a_member AFTER DELETE ON group_member {_RISES};
CREATE TRIGGER access_rises_with_a_removed_group AFTER UPDATE ON user_group {_RISES};
"""
