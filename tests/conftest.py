"""How tests share two cores: what runs whole servers and real clients goes one by one, unit tests beside it."""

from pathlib import Path

import pytest

_UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under `-n 2 --dist loadgroup`, one process has everything that isn't a unit test, in order.

    Unit tests stay together by file, so that what a file sets up once is set up once.
    """
    for item in items:
        group = str(item.path) if item.path.is_relative_to(_UNIT) else "whole servers"
        item.add_marker(pytest.mark.xdist_group(group))
