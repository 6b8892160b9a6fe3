"""Tokens that end, that have grants of their own, and that say from where they were last used; and accounts of programs
and screens, whose ids begin with ``service-``, with the codes by which a screen is let in."""

SQL = """
-- null: it does not end by itself.
ALTER TABLE token ADD COLUMN ends_us INTEGER;
-- IP address of its last use; null: not known.
ALTER TABLE token ADD COLUMN last_address TEXT;
-- 1: it may do no more than the grants that it holds itself ("token-" and its id), nor than its user.
ALTER TABLE token ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;

CREATE TABLE screen_code (          -- lets a screen in, once; a row goes when it is used
  hash     TEXT PRIMARY KEY,        -- SHA-256 of the code
  user     TEXT NOT NULL REFERENCES user (id),
  until_us INTEGER NOT NULL,        -- good until then
  lasts_us INTEGER NOT NULL         -- for how long the screen stays logged in
) STRICT, WITHOUT ROWID;
CREATE INDEX screen_code_user ON screen_code (user);
"""
