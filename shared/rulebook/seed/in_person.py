"""Procedures of the seed that are not open to online filing, for whoever files must appear or show an original.

The law's files have no column for it: it is chosen here, by what their steps say the officer does (`steps.csv`, step 2
of each). That a translator must come is a reading, for of him they say only that his signature is checked; of a
registered collaborator it is the boldest. No article is cited: the decree on authentication was not found. A lawyer has
to check it before any real use.
"""

from __future__ import annotations

from collections.abc import Mapping

IN_PERSON: Mapping[str, str] = {
    "2.000815": "the copy is compared with the original, which is shown and given back",
    "2.000884": "the officer checks the identity and witnesses the signature",
    "2.001008": "the officer checks the translator's signature",
    "2.000992": "the officer checks the translator's signature",
    "2.001035": "the officer checks the parties and witnesses their signatures",
    "2.001019": "the officer checks the testator and witnesses the signature",
}
"""Procedure → why; every other procedure of the seed may be filed online."""
