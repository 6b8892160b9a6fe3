"""Certificates for the server's own page and API: reading what was given, and an own authority where nobody gives
one."""
