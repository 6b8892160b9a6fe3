"""The cameras' fixtures; and logging as it was: the command sets it up for its own process."""

import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.support.cameras.fixtures import h264_clip, serve

__all__ = ["h264_clip", "serve"]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hooks = root.handlers[:], root.level, (sys.excepthook, threading.excepthook)
    raises = logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.raiseExceptions = raises
    sys.excepthook, threading.excepthook = hooks
