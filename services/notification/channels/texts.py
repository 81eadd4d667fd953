"""Loads the texts of the package, one file for each template, language and channel."""

from __future__ import annotations

from importlib import resources

from services.notification.domain.wording import Wording


def load_wording() -> Wording:
    """Read every text in `services/notification/texts`."""
    folder = resources.files("services.notification.texts")
    return Wording({file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".txt")})
