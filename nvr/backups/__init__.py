"""Backups: of the catalogue, and, under a passphrase, of keys and configuration; restored by one command, and proven by
drills."""
