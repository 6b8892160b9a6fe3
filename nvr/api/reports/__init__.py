"""Routes of reports: gaps, coverage of the fleet, the network."""
