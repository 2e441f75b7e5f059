"""The verbs: one module each, which holds a click command named `command`."""
