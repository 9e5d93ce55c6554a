from dataclasses import dataclass, field

import pytest

from tests.unit.sip.wire import ALICE, BOB, Wire, layer_on, request
from vestibule.identity.principal import Kind, Mechanism, Principal
from vestibule.registrar.bindings import MOST_CONTACTS, Bindings
from vestibule.registrar.registrar import USUAL, Registrar
from vestibule.registrar.temporary_gruu import TemporaryGruus
from vestibule.sip.message import SipMessage, parameter_of
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.timers import TimerWheel
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri

DEVICE = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
PHONE = "sip:alice@10.0.0.1:5061;transport=tls"
OWNER = Principal(Kind.MEMBER, ALICE, "t1", "Alice", Mechanism.CERTIFICATE)


@dataclass
class Bench:
    """A registrar behind a layer; time goes by hand."""

    wire: Wire = field(default_factory=Wire)
    wheel: TimerWheel = field(default_factory=TimerWheel)
    principal: Principal | None = OWNER
    cseq: int = 0

    def __post_init__(self) -> None:
        self.bindings = Bindings(self.wheel.schedule, lambda: self.wheel.now)
        self.gruus = TemporaryGruus()
        self.registrar = Registrar(self.bindings, self.gruus, lambda: self.wheel.now)
        self.layer = layer_on(self.wire, self.wheel, on_request=self._serve)

    def _serve(self, transaction: ServerTransaction) -> None:
        transaction.principal = self.principal
        try:
            self.registrar.register(transaction)
        except SipRefusal as refusal:
            transaction.refuse(refusal)

    def register(
        self,
        *headers: tuple[str, str],
        flow: int = 1,
        to: str = ALICE,
        call_id: str = "r1",
        cseq: int | None = None,
    ) -> SipMessage:
        self.cseq += 1
        self.layer.receive(
            request(
                "REGISTER", "sip:d.test", flow=flow, to=to, call_id=call_id,
                cseq=self.cseq if cseq is None else cseq, branch=f"z9hG4bK{self.cseq}",
                headers=headers,
            )
        )  # fmt: skip
        return self.wire.one(flow=flow)

    def contacts(self) -> list[str]:
        return [binding.contact for binding in self.bindings.lookup(ALICE)]


def contact(uri: str = PHONE, params: str = "") -> tuple[str, str]:
    return ("Contact", f"<{uri}>{params}")


def test_a_phone_without_extensions() -> None:
    bench = Bench()
    ok = bench.register(contact(), ("Expires", "600"))
    assert (ok.status, ok.headers("Contact")) == (200, [f"<{PHONE}>;expires=600"])
    assert ok.header("Require") is None
    [binding] = bench.bindings.lookup(ALICE)
    assert (binding.contact, binding.flow, binding.gruu) == (PHONE, 1, "")


def test_a_device_with_outbound_and_gruu() -> None:
    bench = Bench()
    ok = bench.register(
        contact(params=f';+sip.instance="{DEVICE}";reg-id=1'),
        ("Supported", "path, gruu, outbound"),
    )
    gruu = "sip:alice@d.test;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    given = ok.header("Contact") or ""
    temporary = parameter_of(given, "temp-gruu") or ""
    assert given == (
        f'<{PHONE}>;expires=3600;+sip.instance="{DEVICE}";pub-gruu="{gruu}"'
        f';temp-gruu="{temporary}";reg-id=1'
    )
    assert bench.gruus.read(SipUri.parse(temporary).user) == (ALICE, DEVICE)
    assert (ok.header("Require"), ok.header("Flow-Timer")) == ("outbound", "120")
    found = bench.bindings.lookup_gruu(ALICE, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
    assert found is not None
    assert found.contact == PHONE
    assert bench.bindings.lookup_gruu(ALICE, "urn:uuid:other") is None


def test_who_does_not_ask_for_a_gruu_gets_none() -> None:
    ok = Bench().register(contact(params=f';+sip.instance="{DEVICE}"'))
    assert "gruu" not in (ok.header("Contact") or "")


def test_asking_changes_nothing() -> None:
    bench = Bench()
    bench.register(contact())
    bench.wheel.advance(100)
    ok = bench.register()
    assert ok.headers("Contact") == [f"<{PHONE}>;expires=3500"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((contact(),), 3600),
        ((contact(params=";expires=120"), ("Expires", "600")), 120),
        ((contact(), ("Expires", "999999")), 3600),
        ((contact(params=";expires=60"),), 60),
    ],
)
def test_how_long_it_lasts(headers: tuple[tuple[str, str], ...], seconds: int) -> None:
    bench = Bench()
    assert bench.register(*headers).header("Contact") == f"<{PHONE}>;expires={seconds}"
    bench.wheel.advance(seconds - 1)
    assert bench.contacts() == [PHONE]
    bench.wheel.advance(seconds + 1)
    assert bench.contacts() == []


def test_a_refresh_extends_it() -> None:
    bench = Bench()
    bench.register(contact(), ("Expires", "60"))
    bench.wheel.advance(50)
    bench.register(contact(), ("Expires", "60"))
    bench.wheel.advance(100)
    assert bench.contacts() == [PHONE]
    bench.wheel.advance(111)
    assert bench.contacts() == []
    assert len(bench.wheel) == 0


def test_a_device_that_comes_back_by_another_connection_is_the_same_device() -> None:
    bench = Bench()
    bench.register(contact(params=f';+sip.instance="{DEVICE}"'), flow=1)
    other = "sip:alice@10.0.0.1:7777;transport=tls"
    bench.register(contact(other, f';+sip.instance="{DEVICE}"'), flow=2, call_id="r2")
    assert bench.contacts() == [other]
    bench.bindings.close_flow(1)
    assert bench.contacts() == [other]


def test_two_flows_of_one_device_are_two_bindings() -> None:
    bench = Bench()
    for number in (1, 2):
        bench.register(contact(params=f';+sip.instance="{DEVICE}";reg-id={number}'), flow=number)
    assert [binding.flow for binding in bench.bindings.lookup(ALICE)] == [1, 2]


def test_a_binding_dies_with_its_connection() -> None:
    bench = Bench()
    bench.register(contact(), flow=1)
    bench.register(contact("sip:alice@10.0.0.2"), flow=2)
    bench.bindings.close_flow(1)
    assert bench.contacts() == ["sip:alice@10.0.0.2"]
    bench.bindings.close_flow(2)
    assert bench.contacts() == []
    assert len(bench.wheel) == 0


def test_expires_0_removes_one_and_a_star_all() -> None:
    bench = Bench()
    second = "sip:alice@10.0.0.2"
    bench.register(contact(), contact(second))
    ok = bench.register(contact(params=";expires=0"))
    assert ok.headers("Contact") == [f"<{second}>;expires=3600"]
    assert bench.register(("Contact", "*"), ("Expires", "0")).headers("Contact") == []
    assert bench.contacts() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("Contact", "*"),), 400),
        ((("Contact", "*"), ("Expires", "60")), 400),
        ((("Contact", "*"), contact("sip:alice@10.0.0.2"), ("Expires", "0")), 400),
        ((contact("tel:+49123"),), 416),
        ((contact("sip:alice@10.0.0.2", ";expires=59"),), 423),
        ((contact("sip:alice@10.0.0.2"), ("Expires", "9" * 30)), 400),
        ((contact("sip:alice@10.0.0.2", ';+sip.instance="<a\\";evil=\\"b>"'),), 400),
        ((contact("sip:alice@10.0.0.2", f';+sip.instance="{DEVICE}";reg-id=x'),), 400),
        (tuple(contact(f"sip:alice@10.0.1.{n}") for n in range(MOST_CONTACTS)), 403),
        (tuple(contact(f"sip:alice@10.0.1.{n}", ";expires=0") for n in range(30)), 400),
    ],
)
def test_what_is_refused_changes_nothing(headers: tuple[tuple[str, str], ...], status: int) -> None:
    bench = Bench()
    bench.register(contact())
    assert bench.register(*headers).status == status
    assert bench.contacts() == [PHONE]


def test_too_short_says_how_long_it_must_be() -> None:
    assert Bench().register(contact(), ("Expires", "5")).header("Min-Expires") == "60"


def test_ten_devices_and_no_more() -> None:
    bench = Bench()
    for number in range(MOST_CONTACTS):
        assert bench.register(contact(f"sip:alice@10.0.1.{number}")).status == 200
    assert bench.register(contact("sip:alice@10.0.2.1")).status == 403
    assert bench.register(contact("sip:alice@10.0.1.3")).status == 200
    swap = (contact("sip:alice@10.0.1.3", ";expires=0"), contact("sip:alice@10.0.2.1"))
    assert bench.register(*swap).status == 200
    assert len(bench.contacts()) == MOST_CONTACTS


@pytest.mark.parametrize("headers", [(contact(),), (("Contact", "*"), ("Expires", "0")), ()])
def test_nobody_registers_or_looks_for_somebody_else(
    headers: tuple[tuple[str, str], ...],
) -> None:
    bench = Bench()
    bench.register(contact())
    bench.principal = Principal(Kind.MEMBER, BOB, "t1", "Bob", Mechanism.BEARER)
    refused = bench.register(*headers, flow=2)
    assert (refused.status, refused.headers("Contact")) == (403, [])
    assert bench.contacts() == [PHONE]


def test_unproven_is_refused() -> None:
    bench = Bench()
    bench.principal = None
    assert bench.register(contact()).status == 403


def test_the_address_is_compared_without_case() -> None:
    bench = Bench()
    assert bench.register(contact(), to="sip:Alice@D.test").status == 200
    assert bench.contacts() == [PHONE]


def test_an_old_request_undoes_nothing() -> None:
    bench = Bench()
    bench.register(contact(), cseq=10)
    assert bench.register(contact(params=";expires=0"), cseq=9).status == 500
    assert bench.register(("Contact", "*"), ("Expires", "0"), cseq=10).status == 500
    assert bench.contacts() == [PHONE]
    assert bench.register(contact(params=";expires=0"), cseq=11).status == 200


def test_a_client_that_started_anew_may_count_from_one() -> None:
    bench = Bench()
    bench.register(contact(), cseq=10)
    assert bench.register(contact(), cseq=1, call_id="r2").status == 200


@pytest.mark.parametrize("said", ["abc", "-1", "6 0", "1e3"])
def test_a_lifetime_that_cannot_be_read_is_the_usual_one(said: str) -> None:
    bench = Bench()
    answer = bench.register(contact("sip:alice@10.0.0.2"), ("Expires", said))
    assert answer.status == 200
    assert f";expires={USUAL}" in answer.headers("Contact")[0]
