"""The ``native`` source: an RTSP client of our own, for what most cameras speak.

Nothing is imported here: whoever needs the ledger of logins alone needs no media.
"""
