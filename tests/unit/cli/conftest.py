from pathlib import Path

import pytest

from tests.unit.cli.installation import Installation


@pytest.fixture
def empty(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def installation(empty: Installation) -> Installation:
    empty.init()
    return empty
