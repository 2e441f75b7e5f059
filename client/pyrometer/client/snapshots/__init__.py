"""Snapshots that were kept: what `snap` and `catch` delivered, in files and as a page.

watching ──► gathering ──► model ──► page, writing
              a file ──► reading ──┘
"""
