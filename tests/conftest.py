"""How tests share two cores: what runs whole servers and real clients goes one by one, unit tests beside it."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class _Sharing(LoadScopeScheduling):
    """One process has everything that isn't a unit test, in order; files of unit tests go where there is time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith("tests/unit/") else "whole servers"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Sharing:
    """Asked for by `-n 2`."""
    return _Sharing(config, log)
