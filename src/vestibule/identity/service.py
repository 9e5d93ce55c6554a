"""The parts of signing in, put together for one deployment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vestibule.directory.directory import Directory
from vestibule.directory.outside_accounts import OutsideAccounts
from vestibule.identity.access_gate import AccessGate
from vestibule.identity.associations import MOST_SECONDS, Associations
from vestibule.identity.device_cookies import DeviceCookies
from vestibule.identity.device_links import Certify, DeviceLinks, DeviceLinksParts
from vestibule.identity.dpop import DpopProofs
from vestibule.identity.external.accounts import Accounts
from vestibule.identity.external.relying_party import RelyingParty as ExternalRelyingParty
from vestibule.identity.external.sign_in import ExternalSignIn
from vestibule.identity.passwords import Passwords
from vestibule.identity.personal_tokens import PersonalTokens
from vestibule.identity.provider.client import device_clients, web_client
from vestibule.identity.provider.device_codes import DeviceCodes
from vestibule.identity.provider.device_sign_in import DeviceSignIn
from vestibule.identity.provider.provider import Provider
from vestibule.identity.provider.records import SignInRecords
from vestibule.identity.sealing import Sealing
from vestibule.identity.second_factors.enrolment import Enrolment
from vestibule.identity.second_factors.passkeys import RelyingParty
from vestibule.identity.second_factors.records import SecondFactorRecords
from vestibule.identity.second_factors.second_step import CODE_ALLOWANCES, SecondStep
from vestibule.identity.sign_in import AccountStep, PasswordStep, SignIn
from vestibule.identity.sign_in_journal import SignInJournal
from vestibule.identity.sign_in_limits import SignInLimits
from vestibule.identity.signing_keys import SigningKeys
from vestibule.identity.tickets import Tickets
from vestibule.identity.tokens import AccessTokens
from vestibule.journal.note import NoNotes, Notes
from vestibule.outbound.addresses import OutboundPolicy
from vestibule.outbound.fetcher import Fetcher
from vestibule.store.engine import Store
from vestibule.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Identity:
    """What the portal and SIP need to know who somebody is."""

    tokens: AccessTokens
    proofs: DpopProofs
    associations: Associations
    provider: Provider
    device_sign_in: DeviceSignIn
    personal_tokens: PersonalTokens
    sign_in: SignIn
    external: ExternalSignIn
    gate: AccessGate
    second_step: SecondStep
    enrolment: Enrolment
    tickets: Tickets
    device_cookies: DeviceCookies
    device_links: DeviceLinks
    passwords: Passwords

    def close(self) -> None:
        """Ends the password threads."""
        self.passwords.close()


def open_sealing(folder: Path) -> Sealing:
    """The key of second factors: without it no app's code and no recovery code is right."""
    return Sealing.load_or_create(folder / "sealing.key")


def open_identity(
    folder: Path,
    origin: str,
    *,
    directory: Directory,
    store: Store,
    writer: Writer,
    clock: Callable[[], float],
    certify: Certify,
    passwords: Passwords | None = None,
    notes: Notes | None = None,
    association_seconds: int = MOST_SECONDS,
    fetcher: Fetcher | None = None,
    fips: bool = False,
) -> Identity:
    """The identity service of the deployment at `origin`.

    Keys are in `folder`, made the first time. `clock` gives Unix seconds; `certify` signs for devices;
    `notes` is the journal; an association lives for `association_seconds`; `fetcher` reaches other
    providers; `fips`: approved algorithms only. Raises PrivateFileRefused if a key file is open to others.
    """
    notes = notes or NoNotes()
    issuer = f"{origin}/identity"
    keys = SigningKeys.load_or_create(folder / "token-keys.json")
    device_cookies = DeviceCookies.load_or_create(folder / "device-cookies.key")
    clients = (web_client(origin), *device_clients())
    tokens = AccessTokens(
        issuer,
        keys,
        directory,
        clock=clock,
        bound_clients={one.client_id for one in clients if one.dpop_bound_access_tokens},
    )
    associations = Associations(tokens, clock=clock, lifetime=association_seconds)
    proofs = DpopProofs(clock)
    passwords = passwords or Passwords(fips=fips)
    limits = SignInLimits(clock=clock)
    sealing = open_sealing(folder)
    factors = _open_factors(
        sealing,
        RelyingParty(origin, fips=fips),
        directory,
        store,
        writer,
        device_cookies,
        clock,
        notes,
    )
    failures = (limits.recent_failures, factors.limits.recent_failures)
    gate = AccessGate(directory, failures, factors.records.any_of, notes)
    device_codes = DeviceCodes(store, writer, sealing, clock=clock)
    provider = Provider(
        issuer,
        clients,
        people=directory,
        records=SignInRecords(store, writer, clock=clock),
        device_codes=device_codes,
        tokens=tokens,
        keys=keys,
        gate=gate,
        proofs=proofs,
        clock=clock,
        notes=notes,
    )
    external = ExternalSignIn(
        directory,
        ExternalRelyingParty(
            origin, fetcher or Fetcher(OutboundPolicy()), factors.tickets, sealing, clock=clock
        ),
        Accounts(directory, OutsideAccounts(store, directory)),
        limits,
        notes,
    )
    steps = (PasswordStep(directory, passwords, limits, device_cookies), AccountStep())
    return Identity(
        tokens=tokens,
        proofs=proofs,
        associations=associations,
        provider=provider,
        personal_tokens=PersonalTokens(store, writer, directory, clock=clock, notes=notes),
        device_sign_in=DeviceSignIn(
            directory,
            {client.client_id: client for client in clients},
            device_codes,
            clock=clock,
            notes=notes,
        ),
        sign_in=SignIn(steps, SignInJournal(notes, directory)),
        external=external,
        gate=gate,
        second_step=factors.step,
        enrolment=factors.enrolment,
        tickets=factors.tickets,
        device_cookies=device_cookies,
        device_links=DeviceLinks(DeviceLinksParts(store, directory, certify, clock, notes)),
        passwords=passwords,
    )


@dataclass(frozen=True, slots=True)
class _Factors:
    """The parts that know second factors."""

    records: SecondFactorRecords
    limits: SignInLimits
    step: SecondStep
    enrolment: Enrolment
    tickets: Tickets


def _open_factors(
    sealing: Sealing,
    relying_party: RelyingParty,
    directory: Directory,
    store: Store,
    writer: Writer,
    device_cookies: DeviceCookies,
    clock: Callable[[], float],
    notes: Notes,
) -> _Factors:
    records = SecondFactorRecords(store, writer, sealing, clock=clock)
    limits = SignInLimits(clock=clock, allowances=CODE_ALLOWANCES)
    tickets = Tickets(sealing, writer, clock=clock)
    return _Factors(
        records,
        limits,
        SecondStep(
            directory, records, relying_party, limits, device_cookies, clock=clock, notes=notes
        ),
        Enrolment(records, relying_party, tickets, clock=clock),
        tickets,
    )
