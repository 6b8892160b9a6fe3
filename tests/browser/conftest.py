"""What ends a server that a test left."""

from tests.support.server import no_server_stays

__all__ = ["no_server_stays"]
