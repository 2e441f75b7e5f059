"""Looks that are carried by ssh, podman and kubectl to where the service runs."""
