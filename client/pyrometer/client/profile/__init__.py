"""Profiles read, written and shown: hottest functions, flame graphs, formats. Knows nothing of recording.

a file ──► reading ──► pprof, speedscope, collapsed, flamegraph ──► model.Profile
model.Profile ──► hottest ──► table (text) and documents
             ├──► flamegraph (one HTML file, of the parts in page/)
             └──► speedscope, collapsed
"""
