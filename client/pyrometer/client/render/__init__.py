"""What people read: renderers know documents and a terminal, nothing of servers or targets."""
