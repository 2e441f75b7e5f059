"""What may leave the process, and who may ask: the owner's policy and redaction.

Standard library only, and `link.errors`: the agent loads it inside the service, the server beside it.
"""
