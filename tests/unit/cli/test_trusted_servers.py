"""`vestibule trusted-server`."""

from tests.unit.cli.installation import Installation


def test_a_server_is_trusted_and_no_longer(installation: Installation) -> None:
    assert "sip.partner.test" in installation.do("trusted-server", "add", "SIP.partner.test")
    assert "already" in installation.refusal("trusted-server", "add", "sip.partner.test")
    installation.do("trusted-server", "add", "192.0.2.7")
    listed = installation.do("trusted-server", "list").split()
    assert listed == ["192.0.2.7", "sip.partner.test"]
    installation.do("trusted-server", "remove", "192.0.2.7")
    assert installation.do("trusted-server", "list").split() == ["sip.partner.test"]
    assert "not trusted" in installation.refusal("trusted-server", "remove", "192.0.2.7")
    assert "not a host" in installation.refusal("trusted-server", "add", "*.partner.test")
    noted = installation.do("journal", "export", "--kind", "trusted-server")
    assert noted.count("trusted-server.added") == 2
    assert noted.count("trusted-server.removed") == 1
