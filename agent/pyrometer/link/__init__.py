"""The contract between agent and server: what is said over the link, and how it is framed.

Standard library only, and of that only what costs little to import: both ends load it, and one of them lives in
somebody else's process.
"""

from __future__ import annotations

LINK_VERSION = 1
"""Version of the link. It grows when a peer that ignores unknown fields would misunderstand."""
