"""A relay between FFmpeg and one camera, for the ``av`` source; ``session`` says what for."""

from nvr.recorder.sources.relay.description import with_controls
from nvr.recorder.sources.relay.session import Relay

__all__ = ["Relay", "with_controls"]
