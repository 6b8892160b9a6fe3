"""Footage and catalogue: files, intervals, coverage, retention. Knows neither cameras' protocols nor HTTP."""
