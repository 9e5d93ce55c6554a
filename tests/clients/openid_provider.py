"""An OpenID provider that nobody here wrote (npm's oidc-provider), on a host of its own, over HTTPS."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from cryptography import x509

from tests.certificates import SERVER, Credential, TestAuthority
from tests.clients.deadline import eventually
from tests.clients.namespaces import Host, stopping

PORT = 9443
_FOLDER = Path(__file__).parent / "oidc-provider"


@dataclass(frozen=True, slots=True)
class Client:
    """How a provider knows us."""

    client_id: str
    secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """A running one."""

    issuer: str


def certificate_of(host: Host, authority: TestAuthority) -> Credential:
    """A web server's certificate for the host's address."""
    return authority.issue(purposes=[SERVER], names=[x509.IPAddress(IPv4Address(host.address))])


@contextmanager
def serving(
    host: Host,
    folder: Path,
    authority: TestAuthority,
    client: Client,
    people: Mapping[str, Mapping[str, Any]],
) -> Iterator[OpenIdProvider]:
    """A provider with these people: claims by subject."""
    folder.mkdir(parents=True)
    pem = certificate_of(host, authority).write(folder, "server")
    issuer = f"https://{host.address}:{PORT}"
    settings = {
        "issuer": issuer,
        "address": host.address,
        "port": PORT,
        "certificate": str(pem),
        "key": str(pem),
        "client": {
            "client_id": client.client_id,
            "client_secret": client.secret,
            "redirect_uris": [client.redirect_uri],
        },
        "people": people,
    }
    file = folder / "settings.json"
    file.write_text(json.dumps(settings))
    log = folder / "log"
    with stopping(host.popen(["node", str(_FOLDER / "serve.js"), str(file)], log=log)) as process:

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return "listening" in log.read_text()

        eventually(is_up, f"the provider to start ({log})", 60.0)
        yield OpenIdProvider(issuer)


def say_who(
    browser: httpx.Client, page: httpx.Response, person: str, **more: str
) -> httpx.Response:
    """Follow redirects over there, fill in the form if one comes, up to the way back to us, not taken yet."""
    page = _followed(browser, page)
    if page.is_redirect:
        return page  # over there the person is signed in already
    assert "Who are you?" in page.text, page.text
    return _followed(browser, browser.post(str(page.url), data={"as": person, **more}))


def _followed(browser: httpx.Client, page: httpx.Response) -> httpx.Response:
    while page.is_redirect and "/identity/external/" not in page.headers["location"]:
        page = browser.get(urljoin(str(page.url), page.headers["location"]))
    return page
