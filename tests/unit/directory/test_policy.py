"""A tenant's policy as it is stored: what is missing or unfit has its default, and widens nothing."""

import pytest

from vestibule.directory.model import TenantPolicy
from vestibule.directory.policy import policy_as_json, policy_from


def test_what_was_stored_comes_back() -> None:
    policy = TenantPolicy(recording=True, recording_days=7, device_sign_in=True)
    assert policy_from(policy_as_json(policy)) == policy


def test_a_policy_of_an_older_version_records_nothing() -> None:
    stored = policy_as_json(TenantPolicy(recording=True))
    del stored["recording"], stored["recording_days"]
    assert policy_from(stored) == TenantPolicy()


@pytest.mark.parametrize("days", [0, -1, None, "90", 1.5])
def test_unfit_days_are_the_default(days: object) -> None:
    assert policy_from({"recording_days": days}).recording_days == TenantPolicy().recording_days
