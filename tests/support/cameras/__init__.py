"""Test cameras: RTSP cameras that tests start, script and compare recordings with. See docs/design/test-cameras.md.

Imports nothing here: `gst_server` runs under the system's Python, which has neither the product nor PyAV.
"""
