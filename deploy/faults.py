"""What can go wrong while deploying and is told to an operator in one message, without a trace of the program."""

from __future__ import annotations


class DeployError(Exception):
    """The base of all of them: the message says what is wrong and what to do."""
