"""A tenant's policy as JSON in its row; what an older version did not store has its default."""

from dataclasses import asdict
from typing import Any

from vestibule.directory.conditional_access import conditional_access_from
from vestibule.directory.model import Access, Presenting, TenantPolicy


def policy_as_json(policy: TenantPolicy) -> dict[str, Any]:
    """What is stored."""
    return asdict(policy)


def policy_from(stored: dict[str, Any]) -> TenantPolicy:
    """A policy from what is stored; what it does not name keeps its default."""
    default = TenantPolicy()
    timeout = stored.get("lobby_timeout", default.lobby_timeout)
    return TenantPolicy(
        device_digest=bool(stored.get("device_digest", default.device_digest)),
        device_digest_md5=bool(stored.get("device_digest_md5", default.device_digest_md5)),
        access=Access(stored.get("access", default.access)),
        presenting=Presenting(stored.get("presenting", default.presenting)),
        lobby_timeout=float(timeout) if isinstance(timeout, int | float) else default.lobby_timeout,
        phones_bypass_lobby=bool(stored.get("phones_bypass_lobby", default.phones_bypass_lobby)),
        recording=bool(stored.get("recording", default.recording)),
        recording_days=_days(stored.get("recording_days")) or default.recording_days,
        device_sign_in=bool(stored.get("device_sign_in", default.device_sign_in)),
        personal_token_days=_days(stored.get("personal_token_days")),
        conditional_access=conditional_access_from(stored.get("conditional_access", {})),
    )


def _days(stored: object) -> int:
    return stored if isinstance(stored, int) and stored > 0 else 0
