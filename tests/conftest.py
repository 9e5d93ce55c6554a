"""How tests share two cores: what runs whole servers and real clients goes one by one, unit tests beside it."""

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# No clock decides whether a test passes: hypothesis makes tables of all characters the first time, which takes seconds.
hypothesis.settings.register_profile(
    "without a clock", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("without a clock")


class _Sharing(LoadScopeScheduling):
    """One process has everything that isn't a unit test, in order; files of unit tests go where there is time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith("tests/unit/") else "whole servers"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Sharing:
    """Asked for by `-n 2`."""
    return _Sharing(config, log)
