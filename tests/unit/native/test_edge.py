"""The native edge from outside: OpenSSL and websockets on one side, its Python API on the other."""

import socket
import ssl
from collections.abc import Iterator

import pytest
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket
from websockets.typing import Origin, Subprotocol

from tests.certificates import TestAuthority
from tests.running_edge import (
    DEADLINE,
    HOST,
    ORIGIN,
    RunningEdge,
    options,
    read_to_end,
    wait_until,
)
from vestibule._native import ConnectFailed, Edge, FlowClosed, MessageRefused


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def edge(authority: TestAuthority) -> Iterator[RunningEdge]:
    with RunningEdge(authority) as running:
        yield running


def test_a_message_arrives_parsed_after_its_flow_was_told(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options("call", b"body"))
        opened = edge.opened()
        message = edge.message()
        assert (opened.transport, opened.peer_host) == ("tls", "127.0.0.1")
        assert (opened.peer_port, opened.local_port) == (client.getsockname()[1], edge.port)
        assert opened.certificate is None
        assert message.flow == opened.flow
        assert (message.method, message.call_id, message.body) == ("OPTIONS", "call", b"body")
    assert edge.next(FlowClosed).flow == opened.flow


def test_what_is_sent_goes_out_in_order(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options())
        flow = edge.opened().flow
        assert all(edge.edge.send(flow, b"%d " % number) for number in range(100))
        edge.edge.close_flow(flow, "enough")
        assert read_to_end(client) == b"".join(b"%d " % number for number in range(100))
    edge.message()
    assert edge.next(FlowClosed).reason == "enough"
    assert not edge.edge.send(flow, b"x")


def test_a_message_in_single_octets_is_one_message(edge: RunningEdge) -> None:
    with edge.connect() as client:
        for octet in options("split", b"body"):
            client.sendall(bytes([octet]))
        edge.opened()
        assert edge.message().body == b"body"


def test_pipelined_messages_come_in_order(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(b"".join(options(str(number)) for number in range(50)))
        edge.opened()
        assert [edge.message().call_id for _ in range(50)] == [str(n) for n in range(50)]


def test_keep_alives_are_answered_and_untold(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(b"\r\n\r\n")
        edge.opened()
        assert client.recv(10) == b"\r\n"
        assert edge.quiet()


def test_a_malformed_message_gets_400_and_the_flow_goes_on(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options().replace(b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE") + options("good"))
        flow = edge.opened().flow
        refused = edge.next(MessageRefused)
        assert (refused.flow, refused.status) == (flow, 400)
        assert edge.message().call_id == "good"
        assert client.recv(4096).startswith(b"SIP/2.0 400 ")


def test_lost_framing_gets_an_answer_and_the_end(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options().replace(b"Content-Length: 0\r\n", b""))
        edge.opened()
        assert edge.next(MessageRefused).status == 400
        assert read_to_end(client).startswith(b"SIP/2.0 400 ")
    assert "framing lost" in edge.next(FlowClosed).reason


def test_a_message_over_the_limit_gets_513(authority: TestAuthority) -> None:
    with RunningEdge(authority, max_message=2000) as edge, edge.connect() as client:
        client.sendall(options("big", b"x" * 2000))
        edge.opened()
        assert edge.next(MessageRefused).status == 513
        assert read_to_end(client).startswith(b"SIP/2.0 513 ")


def test_a_queue_takes_a_mebibyte_and_no_more(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options())
        flow = edge.opened().flow
        chunk = b"x" * 65536
        accepted = 0
        # The client doesn't read: the system's buffers fill first, then the queue.
        while edge.edge.send(flow, chunk):
            accepted += 1
            assert accepted < 1000
        assert accepted >= 16
        assert edge.edge.counters()["sends_refused"] == 1


def test_a_new_identity_is_used_at_once_and_live_flows_stay(edge: RunningEdge) -> None:
    with edge.connect() as before:
        before.sendall(options("before"))
        flow = edge.opened().flow
        edge.message()
        renewed = edge.authority.server("edge.test")
        edge.edge.set_identity(renewed.chain_pem, renewed.key_pem)
        with edge.connect() as after:
            assert after.getpeercert(binary_form=True) == renewed.der
        assert before.getpeercert(binary_form=True) == edge.identity.der
        before.sendall(options("still"))
        assert edge.message().call_id == "still"
        assert edge.edge.send(flow, b"hello")
        assert before.recv(10) == b"hello"


def test_an_identity_that_does_not_fit_is_refused(edge: RunningEdge) -> None:
    other = edge.authority.server()
    with pytest.raises(ValueError, match="don't fit"):
        edge.edge.set_identity(edge.identity.chain_pem, other.key_pem)
    with pytest.raises(ValueError, match="no root"):
        edge.edge.set_trust(b"", [])
    with pytest.raises(ValueError, match="revocation list"):
        edge.edge.set_trust(edge.authority.root_pem, [b"no CRL"])
    edge.connect().close()


def test_tls_prefers_aes_256_whatever_the_client_likes(edge: RunningEdge) -> None:
    context = edge.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+CHACHA20:ECDHE+AESGCM")
    with edge.connect(context) as client:
        assert client.cipher() == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256)
    with edge.connect() as client:
        assert client.cipher() == ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
@pytest.mark.parametrize("ciphers", ["ECDHE+AES:!AESGCM:@SECLEVEL=0", "RSA+AESGCM"])
def test_weak_ciphers_are_not_spoken(edge: RunningEdge, ciphers: str) -> None:
    context = edge.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    with pytest.raises(ssl.SSLError):
        edge.connect(context)
    edge.counted("handshake_failed")


def test_sessions_are_not_resumed(edge: RunningEdge) -> None:
    context = edge.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with edge.connect(context) as first:
        session = first.session
    assert session is not None
    plain = socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE)
    wrapped = context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
    with wrapped as second:
        assert not second.session_reused


def opened_websocket(edge: RunningEdge, origin: Origin | None = None) -> ClientConnection:
    return connect_websocket(
        f"wss://{HOST}/sip",
        sock=socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE),
        ssl=edge.context(),
        server_hostname="127.0.0.1",
        subprotocols=[Subprotocol("sip")],
        origin=origin,
    )


def test_sip_over_websocket_goes_both_ways(edge: RunningEdge) -> None:
    with opened_websocket(edge, Origin(ORIGIN)) as client:
        assert client.subprotocol == "sip"
        assert "Sec-WebSocket-Extensions" not in (client.response or pytest.fail()).headers
        opened = edge.opened()
        assert opened.transport == "wss"
        client.send(options("text").decode())
        client.send(options("binary"))
        assert [edge.message().call_id for _ in range(2)] == ["text", "binary"]
        assert edge.edge.send(opened.flow, b"hello")
        assert client.recv(DEADLINE) == "hello"
        client.send("\r\n\r\n")
        assert client.recv(DEADLINE) == "\r\n"
        assert client.ping().wait(DEADLINE)
        client.send("nonsense")
        assert edge.next(MessageRefused).status == 400
        edge.edge.close_flow(opened.flow, "enough")
        assert edge.next(FlowClosed).reason == "enough"


def test_a_websocket_closed_by_its_client_is_over(edge: RunningEdge) -> None:
    with opened_websocket(edge) as client:
        edge.opened()
        client.close()
        assert client.close_code == 1000
    assert edge.next(FlowClosed).reason == "closed by peer"


def test_two_edges_connect(edge: RunningEdge) -> None:
    with RunningEdge(edge.authority) as other:
        flow = edge.edge.connect("127.0.0.1", other.port, "edge.test")
        # What is sent before it opens goes out then.
        assert edge.edge.send(flow, options("early"))
        opened = edge.opened()
        assert (opened.flow, opened.transport, opened.certificate) == (flow, "tls", None)
        accepted = other.opened()
        assert accepted.certificate == edge.identity.der
        assert other.message().call_id == "early"
        assert other.edge.send(accepted.flow, options("back"))
        assert edge.message().call_id == "back"
        other.edge.close_flow(accepted.flow, "enough")
        assert edge.next(FlowClosed).reason.startswith("closed by peer")


@pytest.mark.parametrize("server_name", ["other.test", "not a name", "127.0.0.2"])
def test_connecting_needs_the_right_name(edge: RunningEdge, server_name: str) -> None:
    with RunningEdge(edge.authority) as other:
        flow = edge.edge.connect("127.0.0.1", other.port, server_name)
        assert edge.next(ConnectFailed).flow == flow
        assert not edge.edge.send(flow, b"x")


def test_connecting_to_nobody_fails(edge: RunningEdge) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        flow = edge.edge.connect("127.0.0.1", unused.getsockname()[1], "edge.test")
        assert edge.next(ConnectFailed).flow == flow


def test_connecting_before_there_is_trust_fails(authority: TestAuthority) -> None:
    with RunningEdge(authority, trust=False) as edge:
        edge.edge.connect("127.0.0.1", edge.port, "edge.test")
        assert edge.next(ConnectFailed).reason == "no trust is set"


def test_a_listener_serves_only_what_it_is_for(authority: TestAuthority) -> None:
    with RunningEdge(authority, web=False) as edge, edge.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_to_end(client) == b""
        edge.counted("protocol_not_served")
    with RunningEdge(authority, sip=False) as edge, edge.connect() as client:
        client.sendall(options())
        assert read_to_end(client) == b""
        edge.counted("protocol_not_served")


def test_silence_is_ended(authority: TestAuthority) -> None:
    with RunningEdge(authority, handshake_seconds=0.2, idle_seconds=0.2) as edge:
        plain = socket.create_connection(("127.0.0.1", edge.port), timeout=DEADLINE)
        with plain:
            assert plain.recv(10) == b""
        edge.counted("handshake_timeout")
        with edge.connect() as client:
            client.sendall(b"OPT")
            assert read_to_end(client) == b""
        edge.counted("first_bytes_timeout")
        with edge.connect() as client:
            client.sendall(options())
            assert read_to_end(client) == b""
        edge.opened()
        edge.message()
        assert edge.next(FlowClosed).reason == "idle"


def test_one_address_has_so_many_connections(authority: TestAuthority) -> None:
    with RunningEdge(authority, max_connections_per_address=2) as edge:
        first, second = edge.connect(), edge.connect()
        with pytest.raises(OSError):
            edge.connect()
        counters = edge.edge.counters()
        refused = counters["refused_address_limit"] + counters["refused_accept_rate"]
        assert (refused, counters["handshake_failed"]) == (1, 0)
        first.close()
        second.close()
        wait_until(lambda: edge.edge.counters()["connections_open"] == 0, "all gone")


def test_a_fast_talker_is_slowed_and_loses_nothing(authority: TestAuthority) -> None:
    with RunningEdge(authority, messages_per_second=100.0) as edge, edge.connect() as client:
        for number in range(300):
            client.sendall(options(str(number)))
        edge.opened()
        assert [edge.message().call_id for _ in range(300)] == [str(n) for n in range(300)]
        assert edge.edge.counters()["throttled"] > 0


def test_closing_says_goodbye_and_frees_the_port(edge: RunningEdge) -> None:
    with edge.connect() as client:
        client.sendall(options())
        edge.opened()
        edge.message()
        edge.edge.close()
        assert edge.next(FlowClosed).reason == "shutting down"
        assert read_to_end(client) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", edge.port))
    edge.edge.close()
    with pytest.raises(RuntimeError):
        edge.edge.listen("127.0.0.1", 0, sip=True, web=True)


def test_without_an_identity_nobody_is_served() -> None:
    edge = Edge(http_backend="/nonexistent", websocket_hosts=[], websocket_origins=[])
    port = edge.listen("127.0.0.1", 0, sip=True, web=True)
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
        assert plain.recv(10) == b""
    assert edge.counters()["refused_no_identity"] == 1
    edge.close()


def test_bad_arguments_are_named(edge: RunningEdge) -> None:
    with pytest.raises(OSError, match="invalid"):
        edge.edge.listen("not an address", 0, sip=True, web=True)
    with pytest.raises(OSError, match="in use"):
        edge.edge.listen("127.0.0.1", edge.port, sip=True, web=True)
    with pytest.raises(ValueError, match="idle_seconds"):
        Edge(http_backend="x", websocket_hosts=[], websocket_origins=[], idle_seconds=0)
    with pytest.raises(ValueError, match="messages_per_second"):
        Edge(
            http_backend="x",
            websocket_hosts=[],
            websocket_origins=[],
            messages_per_second=float("nan"),
        )
