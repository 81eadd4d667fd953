"""`motcua`, the one command: data on stdout, progress on stderr, documented exit codes."""

from deploy.cli.application import app, commands

__all__ = ["app", "commands"]
