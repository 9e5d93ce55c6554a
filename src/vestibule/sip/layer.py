"""The transaction layer (RFC 3261 section 17): which request a message is about.

Transactions are kept by connection, and matched only within it: what comes by another connection
can't touch them (ATTACKS 9). No I/O but the `Transport` it was handed; time comes by the wheel.
"""

import secrets
from collections.abc import Callable
from functools import partial

from vestibule.sip.client_transaction import ClientTransaction
from vestibule.sip.message import SipMessage, Transport
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction, new_tag

_COOKIE = "z9hG4bK"
_MOST_OPEN = 500
_RETRY_AFTER = ("Retry-After", "5")

_ServerKey = tuple[str | int, ...]


class _FlowTransactions:
    """The transactions of one connection."""

    __slots__ = ("clients", "protocol", "servers", "unbranched")

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.servers: dict[_ServerKey, ServerTransaction] = {}
        self.clients: dict[tuple[str, str], ClientTransaction] = {}
        self.unbranched: dict[tuple[str, str], ServerTransaction] = {}
        """INVITEs of old clients without a Via branch, by Call-ID and From tag."""


class TransactionLayer:
    """All transactions of this process.

    `on_request` gets every new request but ACK and CANCEL; `on_ack` every ACK that belongs to no
    failed INVITE. `via_host` is our name (and port) in Via.
    """

    def __init__(
        self,
        transport: Transport,
        wheel: TimerWheel,
        *,
        via_host: str,
        on_request: Callable[[ServerTransaction], None],
        on_ack: Callable[[SipMessage], None],
        most_open_per_flow: int = _MOST_OPEN,
    ) -> None:
        self.transport = transport
        self.wheel = wheel
        self.via_host = via_host
        self._on_request = on_request
        self._on_ack = on_ack
        self._most_open = most_open_per_flow
        self._flows: dict[int, _FlowTransactions] = {}
        self._arrivals: dict[tuple[str | int, ...], ServerTransaction] = {}
        """Those outside dialogs: the same one by another way is a loop, or forked elsewhere."""

    # --- connections ---

    def open_flow(self, flow: int, protocol: str) -> None:
        """A connection is there; `protocol` is what Via says of it: TLS or WSS."""
        self._flows.setdefault(flow, _FlowTransactions(protocol))

    def close_flow(self, flow: int) -> None:
        """A connection is gone: its transactions end."""
        kept = self._flows.pop(flow, None)
        if kept is None:
            return
        for server in tuple(kept.servers.values()):
            server.flow_lost()
        for client in tuple(kept.clients.values()):
            client.flow_lost()

    # --- messages in ---

    def receive(self, message: SipMessage) -> None:
        """Take one message, request or response."""
        if not message.is_request:
            self._response(message)
        elif message.method == "ACK":
            self._ack(message)
        elif message.method == "CANCEL":
            self._cancel(message)
        else:
            self._request(message)

    def _request(self, message: SipMessage) -> None:
        kept = self._of(message.flow)
        key = _server_key(message, message.method)
        if key in kept.servers:
            return  # sent twice; its answer is on its way
        if len(kept.servers) >= self._most_open and self._too_many_open(kept):
            self._answer(message, 503, (_RETRY_AFTER,))
            return
        old_invite = key[0] == "" and message.method == "INVITE"
        old_client = (message.call_id, message.from_tag) if old_invite else None

        def forget() -> None:
            kept.servers.pop(key, None)
            arrival = _arrival(message)
            if self._arrivals.get(arrival) is transaction:
                del self._arrivals[arrival]
            if old_client is not None:
                kept.unbranched.pop(old_client, None)

        transaction = ServerTransaction(self, message, forget)
        kept.servers[key] = transaction
        if old_client is not None:
            kept.unbranched[old_client] = transaction
        self._on_request(transaction)

    def _ack(self, message: SipMessage) -> None:
        kept = self._of(message.flow)
        key = _server_key(message, "INVITE")
        invite = kept.servers.get(key)
        if invite is None and key[0] == "":
            # Old clients may number the ACK differently from its INVITE.
            invite = kept.unbranched.get((message.call_id, message.from_tag))
        if invite is None or not invite.acknowledged():
            self._on_ack(message)

    def _cancel(self, message: SipMessage) -> None:
        invite = self._of(message.flow).servers.get(_server_key(message, "INVITE"))
        if invite is None:
            self._answer(message, 481)
            return
        data = message.response(200, to_tag=invite.to_tag)
        self.transport.send(message.flow, data)
        invite.cancelled()

    def _response(self, message: SipMessage) -> None:
        kept = self._flows.get(message.flow)
        client = kept.clients.get((message.branch, message.method)) if kept else None
        if client is not None:
            client.received(message)

    def accept(self, transaction: ServerTransaction) -> None:
        """Keep a request outside dialogs as the one of its name. Raises SipRefusal 482 if it has come before by
        another way (RFC 3261 section 8.2.2.2).

        For proven requests only: a stranger must neither learn what is pending nor take its name first.
        """
        if self._arrivals.setdefault(_arrival(transaction.request), transaction) is not transaction:
            raise SipRefusal(482)

    def refuse(self, message: SipMessage, refusal: SipRefusal) -> None:
        """Turn a message away before it belongs to any transaction. An ACK or a response can only be dropped."""
        if message.is_request and message.method != "ACK":
            data = message.response(
                refusal.status, refusal.reason, to_tag=new_tag(), headers=refusal.headers
            )
            self.transport.send(message.flow, data)

    # --- messages out ---

    def send_request(
        self,
        data: bytes,
        flow: int,
        on_response: Callable[[SipMessage], None],
        on_failure: Callable[[int, str], None],
    ) -> ClientTransaction:
        """Send a request (without our Via, which is put on top) down a connection. Neither callback
        is called before this returns.
        """
        branch = _COOKIE + secrets.token_urlsafe(15)
        via = self._via(flow, branch)
        return self._start(_after_first_line(data, via), branch, flow, on_response, on_failure)

    def send_ack(self, data: bytes, flow: int) -> None:
        """Send an ACK to a 2xx: it has a branch of its own and no transaction."""
        branch = _COOKIE + secrets.token_urlsafe(15)
        via = self._via(flow, branch)
        self.transport.send(flow, _after_first_line(data, via))

    # --- inside ---

    def _of(self, flow: int) -> _FlowTransactions:
        kept = self._flows.get(flow)
        if kept is None:
            kept = self._flows[flow] = _FlowTransactions("TLS")
        return kept

    def _via(self, flow: int, branch: str) -> str:
        kept = self._flows.get(flow)
        protocol = kept.protocol if kept else "TLS"
        return f"Via: SIP/2.0/{protocol} {self.via_host};branch={branch}\r\n"

    def _too_many_open(self, kept: _FlowTransactions) -> bool:
        return sum(not server.completed for server in kept.servers.values()) >= self._most_open

    def _answer(
        self, message: SipMessage, status: int, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Answer without keeping anything."""
        data = message.response(status, to_tag=new_tag(), headers=headers)
        self.transport.send(message.flow, data)

    def _start(
        self,
        data: bytes,
        branch: str,
        flow: int,
        on_response: Callable[[SipMessage], None],
        on_failure: Callable[[int, str], None],
    ) -> ClientTransaction:
        method = data[: data.index(b" ")].decode("ascii")
        kept = self._flows.get(flow)
        clients = kept.clients if kept else {}  # a closed connection keeps nothing
        key = (branch, method)
        client = ClientTransaction(
            self,
            data,
            method,
            branch,
            flow,
            on_response=on_response,
            on_failure=on_failure,
            send_cancel=self._send_cancel,
            forget=partial(clients.pop, key, None),
        )
        clients[key] = client
        if not self.transport.send(flow, data):
            self.wheel.schedule(0, client.failed_to_send)
        return client

    def _send_cancel(self, data: bytes, branch: str, flow: int) -> None:
        self._start(data, branch, flow, _ignore_response, _ignore_failure)


def _server_key(message: SipMessage, method: str) -> _ServerKey:
    """What identifies a server transaction within its connection (RFC 3261 section 17.2.3)."""
    branch = message.branch
    if branch.startswith(_COOKIE):
        via = message.header("Via") or ""
        return (branch, via.partition(";")[0].rpartition(" ")[2].lower(), method)
    return ("", message.call_id, message.from_tag, message.cseq, method)


def _arrival(message: SipMessage) -> tuple[str | int, ...]:
    """What names a request whatever way it comes. From is what was proven: nobody can take another's name."""
    return (
        message.from_uri, message.from_tag, message.call_id, message.cseq, message.method,
    )  # fmt: skip


def _after_first_line(data: bytes, via: str) -> bytes:
    end = data.index(b"\r\n") + 2
    return data[:end] + via.encode("ascii") + data[end:]


def _ignore_response(response: SipMessage) -> None:
    """A CANCEL's own answer says nothing that matters; the INVITE's does."""


def _ignore_failure(status: int, reason: str) -> None:
    """See `_ignore_response`."""
