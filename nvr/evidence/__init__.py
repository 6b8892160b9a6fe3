"""Sealed exports: packages that anyone can verify without this server, their keys, and their verification
(docs/design/evidence.md)."""
