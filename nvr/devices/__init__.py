"""Devices as they speak for themselves: found in a network, asked what they are, and known again when they move.

``onvif/`` has the conversation with one and makes facts of its answers, ``findings`` says what is wrong with them;
``look`` asks one device, ``scan`` a network; ``settle`` decides who is who.
"""
