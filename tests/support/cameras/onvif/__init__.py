"""A simulator of ONVIF devices: what they answer over HTTP and to WS-Discovery, with the faults that real ones were
seen to have. Each fault names its public source (`quirks`); what has none is built to the specification, and no device
was seen to do it.
"""

from .device import OnvifDevice
from .events import EventsSimulator
from .fleet import make_fleet
from .ptz import PtzHeadSimulator
from .quirks import QUIRKS, Quirk
from .server import OnvifServer

__all__ = ["QUIRKS", "EventsSimulator", "OnvifDevice", "OnvifServer", "PtzHeadSimulator", "Quirk", "make_fleet"]
