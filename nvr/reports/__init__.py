"""Reports of gaps and coverage: which cameras and gaps are in one, its figures, and its forms (JSON, CSV, HTML, PDF).

No HTTP and no command line in here: ``nvr.api`` and ``nvr.cli`` both use it.
"""
