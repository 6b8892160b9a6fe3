"""Ways to read a camera: our own client (``rtsp``, ``rtp``), and FFmpeg's behind a relay (``av``, ``relay``)."""
