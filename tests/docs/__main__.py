"""`make docs`: writes the pages of the docs that are made of the code's tables."""

from __future__ import annotations

from tests.docs import moves

if __name__ == "__main__":
    moves.write()
