"""In which order runs began: where the server's clock was set back, their times do not tell."""

SQL = """
-- The revision at which the run began; null: before this step.
ALTER TABLE run ADD COLUMN seq INTEGER;
"""
