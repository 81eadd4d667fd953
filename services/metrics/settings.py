"""What metrics is told from outside."""

from __future__ import annotations

from shared.settings import Piece, ServiceSettings


class BoardSettings(Piece):
    """Whose figures the public board shows when it is not asked for another agency's."""

    agency: str = "H56.97"


class Settings(ServiceSettings):
    """The settings of metrics (`MOTCUA_…`)."""

    board: BoardSettings = BoardSettings()
