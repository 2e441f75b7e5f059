"""The command line: knows the gRPC API only, and how to start a server somewhere."""

VERSION = "0.1.0"
