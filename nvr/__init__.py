"""nvr: a recording server for camera fleets."""

from importlib.metadata import version

__version__ = version("nvr")
