"""People in a meeting with clients of the relay, spoken by hand."""

from contextlib import ExitStack
from uuid import uuid4

import pytest
from bench.turn_client import Attributes, Refused, TurnClient

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host, Network
from tests.clients.participant import Participant, entry_in


class Holder:
    """Somebody with a credential for the relay: user name and password."""

    def __init__(self, deployment: Deployment, credential: tuple[str, str]) -> None:
        self._deployment, self._credential = deployment, credential

    def client(self, host: Host, transport: str) -> TurnClient:
        """One more of its clients, at a host."""
        server = self._deployment.host.address, self._deployment.facts["turn_port"]
        if transport == "tcp":
            return TurnClient(host.connect(*server), *self._credential)
        udp = host.udp()
        udp.connect(server)
        return TurnClient(udp, *self._credential)


class Seat(Holder):
    """Somebody in the meeting."""

    def __init__(self, participant: Participant, deployment: Deployment) -> None:
        self._participant = participant
        super().__init__(deployment, self._granted())

    def renew(self) -> None:
        """Ask for one more credential and use that from now on."""
        self._credential = self._granted()

    def _granted(self) -> tuple[str, str]:
        granted = self._participant.add_media(f"{{{uuid4()}}}")
        return entry_in(granted, "relay-username"), entry_in(granted, "relay-password")


class Crowd:
    """Who is in the meeting now, and all that they opened."""

    def __init__(self, network: Network, deployment: Deployment, kept: ExitStack) -> None:
        self._network, self._deployment, self._kept = network, deployment, kept

    def seat(self, name: str) -> Seat:
        """Somebody comes to the meeting."""
        participant = Participant(self._network.server, self._deployment, name)
        self._kept.enter_context(participant).join()
        return Seat(participant, self._deployment)

    def host(self) -> Host:
        """A host that nobody has been at."""
        return self._network.add_host()

    def allocate(
        self, holder: Holder, host: Host, transport: str, wishes: Attributes | None = None
    ) -> TurnClient:
        """One more relayed address. `wishes`: more attributes of the request. Raises Refused."""
        client = holder.client(host, transport)
        self._kept.callback(client.close)
        client.allocate(wishes)
        return client

    def refusal(
        self, holder: Holder, host: Host, transport: str, wishes: Attributes | None = None
    ) -> int:
        """How one more relayed address is refused."""
        with pytest.raises(Refused) as refused:
            self.allocate(holder, host, transport, wishes)
        return refused.value.code
