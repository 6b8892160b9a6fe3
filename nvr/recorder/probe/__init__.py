"""What a camera is and does, before it is recorded: ``run.probe`` connects for some seconds, ``measure`` counts,
``findings`` says what is odd, ``capture`` keeps what went over the wire without credentials, ``replay`` plays that
again."""
