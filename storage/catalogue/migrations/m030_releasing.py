"""Which closed cases' holds are still to be released: a crash in the middle of hundreds is made up for."""

SQL = """
ALTER TABLE legal_case ADD COLUMN releasing INTEGER NOT NULL DEFAULT 0;  -- 1: closed, and its holds are to end too
"""
