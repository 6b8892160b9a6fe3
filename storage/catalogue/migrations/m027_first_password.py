"""Whose password somebody else knows, and must be changed before anything else."""

SQL = """
ALTER TABLE user ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;  -- 1: their password was made for them
"""
