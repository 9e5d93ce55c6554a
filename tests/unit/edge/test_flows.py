"""The table of open flows, filled by a real edge."""

from pathlib import Path

import pytest

from tests.certificates import CLIENT, TestAuthority
from tests.running_edge import RunningEdge, options
from vestibule.edge.flows import ClientCertificate, Flows


def test_a_flow_knows_its_device(tmp_path: Path) -> None:
    authority = TestAuthority()
    device = authority.client("sip:alice@vestibule.test", "urn:uuid:1")
    flows = Flows()
    with (
        RunningEdge(authority) as edge,
        edge.connect(edge.context(device, tmp_path)) as client,
    ):
        client.sendall(options())
        flow = flows.open(edge.opened())
        assert (flow.host, flow.port) == client.getsockname()
        assert (flow.transport, flow.local_port) == ("tls", edge.port)
    assert flow.certificate == ClientCertificate(
        f"{device.certificate.serial_number:x}", ("sip:alice@vestibule.test", "urn:uuid:1")
    )
    assert (flows.get(flow.id), list(flows), len(flows)) == (flow, [flow], 1)
    assert flows.close(flow.id) == flow
    assert (flows.get(flow.id), flows.close(flow.id), len(flows)) == (None, None, 0)


def test_a_certificate_without_names_has_none() -> None:
    bare = TestAuthority().issue(purposes=[CLIENT])
    assert ClientCertificate.from_der(bare.der).uris == ()


def test_an_unreadable_certificate_is_an_error() -> None:
    with pytest.raises(ValueError, match="parsing"):
        ClientCertificate.from_der(b"no certificate")
