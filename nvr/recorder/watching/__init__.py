"""Streams that are watched and not recorded, read in a process of their own."""
