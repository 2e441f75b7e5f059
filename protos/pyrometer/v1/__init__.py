"""The contract between client and server: messages, methods, errors, and how they travel over a child's stdio.

The messages are generated (`scripts/genproto`); `rpc` builds stubs and handlers from them, `stdio` carries one HTTP/2
connection over a pair of pipes.
"""

from __future__ import annotations

API_VERSION = "v1"
