"""Secrets of cameras at rest: sealed with a key beside the catalogue or from the system."""
