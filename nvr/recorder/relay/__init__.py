"""A relay between FFmpeg and one camera, for the ``av`` source; ``session`` says what for."""

from nvr.recorder.relay.description import with_controls
from nvr.recorder.relay.session import Relay

__all__ = ["Relay", "with_controls"]
