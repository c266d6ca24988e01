"""A little material that the methods learn from."""

from __future__ import annotations

import pytest

from emoticrafter.rivals.material import RivalMaterial
from tests.tiny_material import tiny_material


@pytest.fixture(scope="session")
def material() -> RivalMaterial:
    return tiny_material()
