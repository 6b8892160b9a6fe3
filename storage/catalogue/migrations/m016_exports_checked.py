"""Exports that wait until their range is over, and what reading them back has found."""

SQL = """
-- When a queued export is expected to begin, its range not being over yet; null: nothing to wait for.
ALTER TABLE export ADD COLUMN begins_us INTEGER;
-- When its package was last read back and compared with the recorded footage; null: \
never, which exports of before this step are.
ALTER TABLE export ADD COLUMN checked_us INTEGER;
-- What that found: the same; the same as far as the footage is still there; other bytes.
ALTER TABLE export ADD COLUMN check_outcome TEXT CHECK (check_outcome IN ('good', 'partly', 'wrong'));
-- JSON: for people, what is wrong or could not be compared.
ALTER TABLE export ADD COLUMN check_details TEXT NOT NULL DEFAULT '[]';
"""
