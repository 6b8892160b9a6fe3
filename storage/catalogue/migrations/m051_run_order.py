"""Runs by the order in which they began: every pass of retention asks for the latest."""

SQL = """
CREATE INDEX run_order ON run (seq, start_us);
"""
