"""The numbers of the design, each measured here and now beside the peer that does the same. Run by `scripts/bench`."""
