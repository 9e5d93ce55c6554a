"""A UDP port on a host's own loopback whose datagrams go on as SIP over TLS: for scanners that know only UDP."""

import contextlib
import socket
import threading

from tests.clients.deployment import Deployment
from tests.clients.namespaces import Host
from tests.clients.sip_line import SipLine

Address = tuple[str, int]


class UdpForwarder:
    """Each sender gets a TLS connection; what the server says comes back as one datagram a message."""

    def __init__(self, host: Host, deployment: Deployment) -> None:
        self._host, self._deployment = host, deployment
        self._socket = host.udp()
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._lines: dict[Address, SipLine] = {}
        self._readers: list[threading.Thread] = []
        self.answers: list[str] = []
        """Everything that the server has said."""

    def __enter__(self) -> "UdpForwarder":
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # unconnected sockets say so, and wake their reader
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        for line in self._lines.values():
            line.hang_up()
        for reader in self._readers:
            reader.join(20)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                datagram, sender = self._socket.recvfrom(65536)
            except OSError:
                return
            if not datagram:
                return
            line = self._lines.get(sender)
            if line is None:
                line = self._lines[sender] = SipLine(self._host, self._deployment)
                reader = threading.Thread(target=self._bring_back, args=(line, sender))
                reader.start()
                self._readers.append(reader)
            with contextlib.suppress(OSError):  # the server may have hung up on this sender
                line.send(datagram)

    def _bring_back(self, line: SipLine, sender: Address) -> None:
        with contextlib.suppress(OSError):
            while True:
                message = line.receive()
                self.answers.append(message)
                self._socket.sendto(message.encode(), sender)
