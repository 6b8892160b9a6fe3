"""Keys, signatures and the seal of a single MP4 (OEFF); signed heads of the audit log."""
