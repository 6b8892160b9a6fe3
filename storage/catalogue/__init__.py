"""The database of one node: connection, one module a table, backup."""
