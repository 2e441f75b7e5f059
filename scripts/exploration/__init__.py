"""Exploration: other people's test suites as the measure of whether probes change anything."""
