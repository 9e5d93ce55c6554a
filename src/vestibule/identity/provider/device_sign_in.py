"""The person's half of signing in a device: a code typed on a page, and a yes or no (RFC 8628 section 3.3)."""

from collections.abc import Callable, Mapping
from typing import Protocol

from vestibule.directory.model import Person, Tenant
from vestibule.identity.provider.client import PublicClient
from vestibule.identity.provider.device_codes import DeviceCodes, Waiting
from vestibule.identity.provider.device_grant import user_code_in
from vestibule.identity.provider.records import Session
from vestibule.identity.sign_in_limits import Allowance, Allowances, SignInLimits
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes

USER_CODE_ALLOWANCES = Allowances(
    address_and_account=Allowance(5, 60.0),
    address=Allowance(20, 30.0),
    account=Allowance(10, 60.0),
    everybody=Allowance(300, 0.2),
)
"""A person's wrong codes; with 10,000 devices waiting each has a chance of one in 2.5 million."""


class DeviceSignInRefused(Exception):
    """Not this device, or not here; the message may be shown."""


class Tenants(Protocol):
    """The directory, as far as it is needed here."""

    def tenant(self, tenant_id: str, /) -> Tenant | None:
        """The tenant of that id."""


class DeviceSignIn:
    """Finds the device that shows a code, and takes the person's word about it."""

    def __init__(
        self,
        tenants: Tenants,
        clients: Mapping[str, PublicClient],
        codes: DeviceCodes,
        *,
        clock: Callable[[], float],
        notes: Notes,
    ) -> None:
        self._tenants = tenants
        self._clients = clients
        self._codes = codes
        self._limits = SignInLimits(clock=clock, allowances=USER_CODE_ALLOWANCES)
        self._notes = notes

    def is_allowed(self, person: Person) -> bool:
        """Whether the person's organisation lets devices in this way."""
        tenant = self._tenants.tenant(person.tenant)
        return tenant is not None and tenant.policy.device_sign_in

    def client_of(self, waiting: Waiting) -> PublicClient:
        """What kind of device it is."""
        return self._clients[waiting.client_id]

    async def find(self, person: Person, address: str, typed: str) -> tuple[str, Waiting]:
        """The code that was typed, and the device that waits with it.

        Raises TooManyTries, DeviceSignInRefused.
        """
        if not self.is_allowed(person):
            raise DeviceSignInRefused("Your organisation doesn't let devices sign in this way.")
        counted = self._limits.admit(person.aor, address, known_device=None)
        code = user_code_in(typed)
        waiting = await self._codes.waiting(code) if code else None
        if code is None or waiting is None:
            raise DeviceSignInRefused("No device waits with that code. Please check it.")
        self._limits.succeeded(counted)
        return code, waiting

    async def waiting(self, code: str) -> Waiting | None:
        """The device that was found a page ago, if it still waits."""
        return await self._codes.waiting(code)

    async def decide(
        self, person: Person, session: Session, code: str, address: str, *, allow: bool
    ) -> bool:
        """The person's word; False if the device doesn't wait any more. Raises JournalFull."""
        waiting = await self._codes.waiting(code)
        if waiting is None or not self.is_allowed(person):
            return False
        if not allow:
            denied = await self._codes.deny(code)
            self._note(Kind.DEVICE_SIGN_IN_DENIED, person, waiting, address)
            return denied
        # Before it takes effect: with a full journal nobody is signed in.
        self._note(Kind.DEVICE_SIGN_IN_APPROVED, person, waiting, address)
        return await self._codes.approve(code, session) is not None

    def _note(self, kind: Kind, person: Person, waiting: Waiting, address: str) -> None:
        details = {Detail.CLIENT: waiting.client_id, Detail.SOURCE: waiting.address}
        if not waiting.address:
            del details[Detail.SOURCE]
        self._notes.note(
            Note(
                kind, tenant=person.tenant, actor=person.aor, subject=person.aor,
                address=address, details=details,
            )
        )  # fmt: skip
