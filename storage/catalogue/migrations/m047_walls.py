"""Walls: which cameras somebody looks at together, kept under a name, for themselves or for others."""

from __future__ import annotations

from typing import Final

SQL: Final = """
CREATE TABLE wall (
  -- Random, in addresses.
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- Ids, a JSON list in the order of the places. Who opens it sees of them what they may.
  cameras TEXT NOT NULL CHECK (json_type(cameras) = 'array'),
  -- How many places: 1, 4, 9 or 16.
  places INTEGER NOT NULL CHECK (places IN (1, 4, 9, 16)),
  -- '' for its owner alone, 'everyone', or the name of a role.
  shared TEXT NOT NULL,
  -- The id of who keeps it, and what they were called then.
  owner TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  changed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX wall_owner ON wall (owner);
"""
