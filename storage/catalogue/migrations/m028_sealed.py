"""Secrets of cameras are sealed from here on (``storage/secrets/sealing.py``), which servers of before can't open."""

SQL = """
INSERT INTO meta VALUES ('camera_secrets', 0);  -- storage/secrets/sealed_rows.py: \
0 rows may be plain, 1 sealed, 2 nothing of before is left in the file
"""
