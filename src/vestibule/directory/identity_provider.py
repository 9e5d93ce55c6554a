"""An OpenID provider of somebody else's that signs a tenant's people in, and what the tenant lets it say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class CreateFrom(StrEnum):
    """Which claim makes the address of a person who comes for the first time."""

    NO = "no"
    """None: who isn't known is refused."""
    EMAIL = "email"
    """`email`, if the provider calls it verified."""
    USER_NAME = "user-name"
    """`preferred_username`: for providers whose people can't choose it."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What a provider's word is worth. As it is made, it links nobody and creates nobody."""

    title: str = ""
    """On the button; empty: the provider's name."""
    link_by_email: tuple[str, ...] = ()
    """The tenant's own domains in which a verified e-mail address says whose account it is."""
    create_from: CreateFrom = CreateFrom.NO
    mfa_methods: tuple[str, ...] = ()
    """Values of `amr` that count as a second factor."""
    mfa_classes: tuple[str, ...] = ()
    """Values of `acr` that do."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One provider. Its name is one for the whole installation, for it stands in the redirect URI."""

    name: str
    tenant: str
    issuer: str
    client_id: str
    sealed_secret: str | None = field(repr=False)
    """The client secret, readable with the server's key only; None for a public client."""
    settings: ProviderSettings

    @property
    def title(self) -> str:
        """What people see."""
        return self.settings.title or self.name


def provider_settings_as_json(settings: ProviderSettings) -> dict[str, Any]:
    """What is stored."""
    return asdict(settings)


def provider_settings_from(stored: Mapping[str, Any]) -> ProviderSettings:
    """Settings from what is stored; what it does not name keeps its default. Raises ValueError."""
    return ProviderSettings(
        title=str(stored.get("title", "")),
        link_by_email=tuple(stored.get("link_by_email", ())),
        create_from=CreateFrom(stored.get("create_from", CreateFrom.NO)),
        mfa_methods=tuple(stored.get("mfa_methods", ())),
        mfa_classes=tuple(stored.get("mfa_classes", ())),
    )
