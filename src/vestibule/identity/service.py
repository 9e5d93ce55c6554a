"""The parts of signing in, put together for one deployment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vestibule.directory.directory import Directory
from vestibule.identity.associations import MOST_SECONDS, Associations
from vestibule.identity.device_cookies import DeviceCookies
from vestibule.identity.passwords import Passwords
from vestibule.identity.provider.client import web_client
from vestibule.identity.provider.provider import Provider
from vestibule.identity.provider.records import SignInRecords
from vestibule.identity.sign_in import AccountStep, PasswordStep, SignIn
from vestibule.identity.sign_in_limits import SignInLimits
from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tokens import AccessTokens
from vestibule.store.engine import Store
from vestibule.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Identity:
    """What the portal and SIP need to know who somebody is."""

    tokens: AccessTokens
    associations: Associations
    provider: Provider
    sign_in: SignIn
    device_cookies: DeviceCookies
    passwords: Passwords

    def close(self) -> None:
        """Ends the password threads."""
        self.passwords.close()


def open_identity(
    folder: Path,
    origin: str,
    *,
    directory: Directory,
    store: Store,
    writer: Writer,
    clock: Callable[[], float],
    passwords: Passwords | None = None,
    association_seconds: int = MOST_SECONDS,
) -> Identity:
    """The identity service of the deployment at `origin`.

    Keys are in `folder`, made the first time. `clock` gives Unix seconds; an association lives for
    `association_seconds`. Raises PrivateFileRefused if a key file is open to others.
    """
    issuer = f"{origin}/identity"
    keys = SigningKeys.load_or_create(folder / "token-keys.json")
    device_cookies = DeviceCookies.load_or_create(folder / "device-cookies.key")
    tokens = AccessTokens(issuer, keys, directory, clock=clock)
    associations = Associations(tokens, clock=clock, lifetime=association_seconds)
    passwords = passwords or Passwords()
    provider = Provider(
        issuer,
        (web_client(origin),),
        people=directory,
        records=SignInRecords(store, writer, clock=clock),
        tokens=tokens,
        keys=keys,
        clock=clock,
    )
    limits = SignInLimits(clock=clock)
    # A second factor and the tenant's conditions take their place after the password.
    steps = (PasswordStep(directory, passwords, limits, device_cookies), AccountStep())
    return Identity(tokens, associations, provider, SignIn(steps), device_cookies, passwords)
