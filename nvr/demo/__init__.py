"""The virtual cameras of `nvr demo`: a street scene, an encoder and an RTSP server, all in this process.

Imports nothing else of the product, so what it serves tests the recorder as any other camera would.
"""
