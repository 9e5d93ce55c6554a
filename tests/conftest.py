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
    """Each process takes the next file with all its tests, in the order in which they were collected. Browsers film and
    decode in software: their files are one, for one process.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browsers" if file.startswith("tests/web/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Sharing:
    """Asked for by `-n`."""
    return _Sharing(config, log)
