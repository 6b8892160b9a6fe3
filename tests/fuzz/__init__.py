"""Fuzzing of what comes in by HTTP: our own generator. ``python -m tests.fuzz`` (``make fuzz``) runs it for long, a
test for seconds."""
