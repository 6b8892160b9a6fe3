"""Alerts: what needs a person is found, folded, damped, told by e-mail, webhook and log, and kept until it is over.

``conditions`` finds it, ``folding`` makes one of many, ``lifecycle`` decides what is opened and resolved (all pure),
``channels`` tell, ``watch`` runs them in the housekeeping process.
"""
