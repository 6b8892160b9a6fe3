"""Cameras moved by people: who may at a moment (``leases``), what is sent when (``steps``), the conversation with a
camera (``head``), and a process of its own that stops what nobody holds any more (``mover``, ``__main__``; ``desk`` is
who asks it).
"""
