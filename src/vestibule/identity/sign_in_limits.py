"""Limits for password guessing (ATTACKS 21, NIST SP 800-63B section 5.2.2).

Token buckets by address, by account and address, by account, and over all. A try takes a token
from each; a success gives them back, so only failures count. The account's own bucket never locks
its owner out: a browser that once signed in as that person carries a device cookie and is counted
apart from the strangers.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_REMEMBERED = 20_000  # buckets of each kind; the one unused longest is forgotten first


@dataclass(frozen=True, slots=True)
class Allowance:
    """`burst` tries at once, then one more every `interval` seconds."""

    burst: int
    interval: float


ADDRESS_AND_ACCOUNT = Allowance(10, 30.0)
ADDRESS = Allowance(40, 5.0)
ACCOUNT = Allowance(50, 30.0)
EVERYBODY = Allowance(300, 0.2)
KNOWN_DEVICE = Allowance(10, 30.0)


@dataclass(frozen=True, slots=True)
class Allowances:
    """What each kind of bucket allows; these are for passwords."""

    address_and_account: Allowance = ADDRESS_AND_ACCOUNT
    address: Allowance = ADDRESS
    account: Allowance = ACCOUNT
    everybody: Allowance = EVERYBODY
    known_device: Allowance = KNOWN_DEVICE


class TokenBuckets:
    """Many token buckets of one allowance, each found by its key; full when first seen."""

    def __init__(self, allowance: Allowance, *, remembered: int = _REMEMBERED) -> None:
        self._allowance = allowance
        self._remembered = remembered
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until the bucket has a token; 0 if it has one."""
        level = self._level(key, now)
        return 0.0 if level >= 1.0 else (1.0 - level) * self._allowance.interval

    def missing(self, key: str, now: float) -> float:
        """How many tokens were taken lately and haven't grown again."""
        return self._allowance.burst - self._level(key, now)

    def take(self, key: str, now: float) -> None:
        """Takes one token; the caller asked `wait` before."""
        self._put(key, self._level(key, now) - 1.0, now)

    def give_back(self, key: str, now: float) -> None:
        """Undoes one `take`."""
        self._put(key, self._level(key, now) + 1.0, now)

    def _level(self, key: str, now: float) -> float:
        level, since = self._levels.get(key, (float(self._allowance.burst), now))
        grown = level + max(0.0, now - since) / self._allowance.interval
        return min(float(self._allowance.burst), grown)

    def _put(self, key: str, level: float, now: float) -> None:
        self._levels[key] = (min(float(self._allowance.burst), level), now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._remembered:
            self._levels.popitem(last=False)


class TooManyTries(Exception):
    """Over the limit; `retry_after` in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Try:
    """One guess that has been counted; `SignInLimits.succeeded` gives it back."""

    taken: tuple[tuple[TokenBuckets, str], ...]


class SignInLimits:
    """Says whether one more guess may be tried."""

    def __init__(self, *, clock: Callable[[], float], allowances: Allowances | None = None) -> None:
        allowed = allowances or Allowances()
        self._clock = clock
        self._address_and_account = TokenBuckets(allowed.address_and_account)
        self._address = TokenBuckets(allowed.address)
        self._account = TokenBuckets(allowed.account)
        self._everybody = TokenBuckets(allowed.everybody)
        self._known_device = TokenBuckets(allowed.known_device)

    def admit(self, account: str, address: str, *, known_device: str | None) -> Try:
        """Counts one guess at `account` (whether or not it exists) from the client's `address`.

        `known_device` is the id in a device cookie that is good for this account, or None.
        Raises TooManyTries, in which case nothing is counted.
        """
        now, subnet = self._clock(), subnet_of(address)
        if known_device is not None:
            asked: tuple[tuple[TokenBuckets, str], ...] = ((self._known_device, known_device),)
        else:
            asked = (
                (self._address_and_account, f"{subnet} {account}"),
                (self._address, subnet),
                (self._account, account),
                (self._everybody, ""),
            )
        return self._take(asked, now)

    def admit_unnamed(self, address: str) -> Try:
        """Counts one try that names no account before it is proven. Raises TooManyTries."""
        return self._take(((self._address, subnet_of(address)),), self._clock())

    def recent_failures(self, account: str) -> float:
        """How many guesses of strangers at the account went wrong lately."""
        return self._account.missing(account, self._clock())

    def _take(self, asked: tuple[tuple[TokenBuckets, str], ...], now: float) -> Try:
        wait = max(buckets.wait(key, now) for buckets, key in asked)
        if wait > 0.0:
            raise TooManyTries(int(wait) + 1)
        for buckets, key in asked:
            buckets.take(key, now)
        return Try(asked)

    def succeeded(self, counted: Try) -> None:
        """The guess was right: it doesn't count."""
        now = self._clock()
        for buckets, key in counted.taken:
            buckets.give_back(key, now)


@lru_cache(maxsize=8192)  # asked for each message, of few addresses
def subnet_of(address: str) -> str:
    """The part of a client's address that one subscriber holds: IPv4 whole, IPv6 its /56."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address  # a Unix socket's peer has none
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 56), strict=False).network_address)
    return str(parsed)
