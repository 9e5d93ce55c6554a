"""How tests share two cores: a file's tests stay together, for they share servers; files go where there is time."""

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# No clock decides whether a test passes: hypothesis makes tables of all characters the first time, which takes seconds.
hypothesis.settings.register_profile(
    "without a clock", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("without a clock")


class _Sharing(LoadScopeScheduling):
    """Each process takes the next file whose tests are all to be run, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Sharing:
    """Asked for by `-n`."""
    return _Sharing(config, log)
