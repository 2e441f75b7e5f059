"""The shop of `pyrometer demo`: a stranger's program with real bugs, under load, to try all of it on.

The folder `app` is the program: `python .../demo/app` runs it, and its modules are those of a top-level package `shop`,
as they would be in a service of your own. Standard library only; nothing of Pyrometer is imported.
"""
