"""The payload: packets in order, units and frames from them, losses. Pure, but for clocks that are given."""
