"""Tests: one folder a package, `integration` with real processes, `support` for what they share."""
