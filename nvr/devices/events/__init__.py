"""Events of devices, as marks on their cameras' time: what one says (``reading``), what becomes of it (``folding``),
the conversation with a device (``subscription``), and a process that has one with each (``__main__``).
"""
