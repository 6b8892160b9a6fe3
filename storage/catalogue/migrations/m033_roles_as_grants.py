"""What somebody may do is in grants alone: the role that each user had becomes a grant over every camera and all
footage, and so does that of each token that is nobody's. A token's own role stays: what it may do at most."""

_REASON = "the role of before grants"

SQL = f"""
INSERT INTO access_grant (id, holder, role, cameras, footage, from_us, reason, made_us, made_by, made_by_id)
  SELECT 'grant-' || lower(hex(randomblob(6))), id, role, '*', 'all', 0, '{_REASON}', created_us,
    coalesce(made_by, 'server'), iif(made_by IS NULL, 'server', made_by_id) FROM user WHERE removed_us IS NULL;
INSERT INTO access_grant (id, holder, role, cameras, footage, from_us, reason, made_us, made_by, made_by_id)
  SELECT 'grant-' || lower(hex(randomblob(6))), 'token-' || id, role, '*', 'all', 0, '{_REASON}', created_us,
    coalesce(made_by, 'server'), iif(made_by IS NULL, 'server', made_by_id) FROM token
    WHERE user IS NULL AND removed_us IS NULL;
ALTER TABLE user DROP COLUMN role;
-- Any built-in role, not three.
DROP TRIGGER token_stays_what_it_is;
ALTER TABLE token ADD COLUMN most TEXT NOT NULL DEFAULT 'viewer';
UPDATE token SET most = role;
ALTER TABLE token DROP COLUMN role;
ALTER TABLE token RENAME COLUMN most TO role;
CREATE TRIGGER token_stays_what_it_is BEFORE UPDATE OF id, name, role, created_us, user, made_by, made_by_id ON token
BEGIN SELECT RAISE(ABORT, 'a token keeps id, name and user'); END;
"""
