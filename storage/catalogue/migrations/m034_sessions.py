"""Sessions can be listed, and ended one by one: each has an id, and says from where it came and when it was last used.

``meta.login_rev`` rises when something ends by which somebody asks: a session, an address for a player, a link. With
``access_rev``, of tokens, users and grants, it says whether what is being sent has to be looked at again.
"""

from __future__ import annotations

from typing import Final

_RISES: Final = "BEGIN UPDATE meta SET value = value + 1 WHERE key = 'login_rev'; END"

SQL = f"""
-- Random, shown in lists.
ALTER TABLE session ADD COLUMN id TEXT;
-- Last use, to the minute; null: not known.
ALTER TABLE session ADD COLUMN seen_us INTEGER;
-- IP address of the last use, as the front door settled; null: not known.
ALTER TABLE session ADD COLUMN address TEXT;
-- What the browser called itself at the login; null: not known.
ALTER TABLE session ADD COLUMN agent TEXT;
UPDATE session SET id = lower(hex(randomblob(8)));
CREATE UNIQUE INDEX session_id ON session (id);
INSERT INTO meta (key, value) VALUES ('login_rev', 1);
CREATE TRIGGER login_rises_with_a_session AFTER DELETE ON session {_RISES};
CREATE TRIGGER login_rises_with_an_address AFTER UPDATE OF revoked_us ON address {_RISES};
CREATE TRIGGER login_rises_with_a_link AFTER UPDATE OF revoked_us ON export_link {_RISES};
"""
