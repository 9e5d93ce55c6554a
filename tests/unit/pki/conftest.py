from pathlib import Path

import pytest

from tests.unit.pki.deployment import Clock, new_authority
from vestibule.pki.authority import Authority


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authority(tmp_path: Path, clock: Clock) -> Authority:
    return new_authority(tmp_path, clock)
