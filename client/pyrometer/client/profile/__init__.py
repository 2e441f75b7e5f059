"""Profiles, read and shown: what a recording says, the hottest functions, the flame graph. Knows nothing of recording.

pprof bytes ──► model.Profile ──► hottest ──► table (text) and documents
                             └──► flamegraph (one HTML file, of the parts in page/)
"""
