"""ATTACKS 24, A3: schemathesis reads what our HTTP API says of itself and bends every operation of it.

No 500, no status, content type or shape that the description doesn't name, no wrong input taken, no operation that
answers without the proof it asks for.
"""

import sys
from pathlib import Path

import httpx

from tests.clients.deployment import Deployment
from tests.clients.https import HostTransport
from tests.clients.namespaces import Network
from tests.clients.oidc import device_tokens

_SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
_EXAMPLES = 20
_SETTINGS = """
[[operations]] # whether a point is on its curve is nothing that a description can say
include-path = "/identity/associations"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "422"]

[[operations]] # nor whether a text is a certificate request, and nobody could draw a link's code
include-path = "/api/v1/device-enrolments"
checks.positive_data_acceptance.expected-statuses = ["2xx", "403", "404", "422", "429"]

[[operations]] # nor which codes and tokens are good, and whose they are
include-path-regex = "^/identity/(token|revoke|device-authorization)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "429"]
"""


def test_no_operation_surprises(network: Network, deployment: Deployment, tmp_path: Path) -> None:
    host = network.add_host()
    with httpx.Client(
        transport=HostTransport(host, deployment.authority), base_url=deployment.origin
    ) as browser:
        token = device_tokens(browser, deployment)["access_token"]
    (tmp_path / "schemathesis.toml").write_text(_SETTINGS)
    done = host.run(
        [
            "env", "-C", str(tmp_path), f"HOME={tmp_path}", _SCHEMATHESIS, "run",
            f"{deployment.origin}/api/v1/openapi.json",
            "--tls-verify", str(deployment.authority), "-H", f"Authorization: Bearer {token}",
            "--checks", "all", "--max-examples", str(_EXAMPLES), "--continue-on-failure",
            "--request-timeout", "20", "--seed", "1", "--no-color",
        ],
        seconds=300.0,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Selected: 26/26" in done.stdout, "operations came or went: look whether all are tried"
