"""Clients of Open311 that were written for other cities and are too old to be installed with the tests."""
