"""The directory: people, devices, policies; strictly by tenant (I1)."""

import time
from collections.abc import AsyncIterator

import pytest

from tests.clients.deadline import eventually_async
from vestibule.directory.directory import AlreadyThere, Directory
from vestibule.directory.model import Access, Tenant, TenantPolicy
from vestibule.directory.names import UnfitName
from vestibule.identity.provider.records import SignInRecords
from vestibule.store.engine import Store
from vestibule.store.revisions import raise_revision
from vestibule.store.writer import Writer


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    store = Store(sqlite_url)
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def directory(store: Store) -> Directory:
    directory = Directory(store)
    await directory.load()
    return directory


@pytest.fixture
async def tenant(directory: Directory) -> Tenant:
    return await directory.add_tenant("Ward", ("Ward.Test", "second.test"))


async def test_a_person_is_found_by_address_and_id(directory: Directory, tenant: Tenant) -> None:
    alice = await directory.add_person(tenant.id, "Alice", display_name="Alice")
    assert alice.aor == "sip:alice@ward.test"
    assert directory.person("sip:alice@ward.test") == alice
    assert directory.person_by_id(alice.id) == alice
    assert directory.person("sip:alice@second.test") is None


async def test_an_address_or_domain_is_given_once(directory: Directory, tenant: Tenant) -> None:
    await directory.add_person(tenant.id, "alice", display_name="Alice")
    with pytest.raises(AlreadyThere, match="alice"):
        await directory.add_person(tenant.id, "alice", display_name="Other")
    with pytest.raises(AlreadyThere, match=r"second\.test"):
        await directory.add_tenant("Thief", ("second.test",))


async def test_nobody_gets_an_address_in_another_tenants_domain(
    directory: Directory, tenant: Tenant
) -> None:
    other = await directory.add_tenant("Other", ("other.test",))
    with pytest.raises(ValueError, match=r"ward\.test"):
        await directory.add_person(other.id, "mallory", display_name="M", domain="ward.test")
    assert directory.people_of(tenant.id) == []


async def test_devices_and_their_revocation(directory: Directory, tenant: Tenant) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    phone = await directory.add_digest_device(alice, "desk", ha1_sha256="ab" * 32)
    desk = await directory.add_certificate_device(alice, "soft", "0a1b", "device-1")
    assert directory.digest_devices(alice.id) == (phone,)
    assert directory.device_by_serial("0a1b") == desk
    await directory.revoke_device(phone.id)
    await directory.revoke_device(desk.id)
    assert directory.digest_devices(alice.id) == ()
    revoked = directory.device_by_serial("0a1b")
    assert revoked is not None
    assert revoked.revoked


async def test_policy_and_password_and_disabling(directory: Directory, tenant: Tenant) -> None:
    await directory.set_policy(tenant.id, TenantPolicy(device_digest=True, access=Access.ANYONE))
    kept = directory.tenant(tenant.id)
    assert kept is not None
    assert kept.policy.access is Access.ANYONE
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    assert await directory.password_hash(alice.id) is None
    await directory.set_password(alice.id, "$argon2id$x")
    assert await directory.password_hash(alice.id) == "$argon2id$x"
    await directory.set_enabled(alice.id, enabled=False)
    disabled = directory.person(alice.aor)
    assert disabled is not None
    assert not disabled.enabled


async def test_another_process_change_is_noticed(store: Store, directory: Directory) -> None:
    noticed: list[bool] = []

    async def note() -> None:
        noticed.append(True)

    directory.on_change(note)
    directory.watch()
    other = Directory(store)
    await other.load()
    await other.add_tenant("Late", ("late.test",))
    await eventually_async(lambda: directory.tenant_of_domain("late.test"), "the new tenant", 5.0)
    assert noticed
    await directory.close()


async def test_our_own_write_reads_nothing_again(
    store: Store, directory: Directory, tenant: Tenant
) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    await directory.add_person(tenant.id, "bob", display_name="Bob")
    assert directory.person(alice.aor) is alice
    again = Directory(store)
    await again.load()
    assert again.people_of(tenant.id) == directory.people_of(tenant.id)
    assert again.tenants() == directory.tenants()


async def test_what_another_process_wrote_between_two_of_our_writes_is_not_missed(
    store: Store, directory: Directory, tenant: Tenant
) -> None:
    other = Directory(store)
    await other.load()
    await other.add_person(tenant.id, "bob", display_name="Bob")
    await directory.add_person(tenant.id, "carol", display_name="Carol")
    assert [person.user for person in directory.people_of(tenant.id)] == ["bob", "carol"]


async def test_a_change_of_meetings_is_told_without_reading_the_people_again(
    store: Store, directory: Directory, tenant: Tenant
) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    noticed: list[bool] = []

    async def note() -> None:
        noticed.append(True)

    directory.on_change(note)
    directory.watch()
    async with store.begin() as connection:
        await raise_revision(connection, "meetings")
    await eventually_async(lambda: noticed, "the change", 5.0)
    assert directory.person(alice.aor) is alice
    await directory.close()


async def test_a_listener_that_fails_fails_nobody_else(directory: Directory) -> None:
    noticed: list[bool] = []

    async def fail() -> None:
        raise RuntimeError

    async def note() -> None:
        noticed.append(True)

    directory.on_change(fail)
    directory.on_change(note)
    await directory.add_tenant("Ward", ("ward.test",))
    assert noticed == [True]


@pytest.mark.parametrize("name", ["", "a b", "a@b", "../x", "a\nb", "-a", "a.", "x" * 65, "ä"])
async def test_a_user_name_that_would_need_escaping_is_refused(
    directory: Directory, tenant: Tenant, name: str
) -> None:
    with pytest.raises(UnfitName):
        await directory.add_person(tenant.id, name, display_name="Somebody")


@pytest.mark.parametrize("domain", ["", "a..b", "a_b.test", "x" * 64, "anonymous.invalid", "a/b"])
async def test_a_domain_that_is_none_is_refused(directory: Directory, domain: str) -> None:
    with pytest.raises(UnfitName):
        await directory.add_tenant("Ward", (domain,))


@pytest.mark.parametrize("name", ["", "x\u202ey", "x\x1b[31m", "x" * 201])
async def test_a_display_name_that_deceives_is_refused(
    directory: Directory, tenant: Tenant, name: str
) -> None:
    with pytest.raises(UnfitName):
        await directory.add_person(tenant.id, "alice", display_name=name)


async def test_a_revocation_keeps_its_first_date(directory: Directory, tenant: Tenant) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    desk = await directory.add_certificate_device(alice, "soft", "0a1b", "device-1")
    await directory.revoke_device(desk.id)
    first = directory.revoked_certificates()
    await directory.revoke_device(desk.id)
    assert directory.revoked_certificates() == first
    assert first[0][0] == "0a1b"


async def test_secrets_are_not_in_what_is_shown(directory: Directory, tenant: Tenant) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    phone = await directory.add_digest_device(alice, "desk", ha1_sha256="ab" * 32)
    assert "abab" not in repr(phone)


async def test_disabling_somebody_ends_sessions_and_grants_for_good(
    store: Store, directory: Directory, tenant: Tenant
) -> None:
    alice = await directory.add_person(tenant.id, "alice", display_name="Alice")
    bob = await directory.add_person(tenant.id, "bob", display_name="Bob")
    writer = Writer(store)
    records = SignInRecords(store, writer, clock=time.time)
    secrets = {}
    for person in (alice, bob):
        secrets[person.user], session = await records.begin_session(person.id, ("pwd",))
        await records.add_code(
            f"code of {person.user}", session, client_id="c", scope="", redirect_uri="r",
            nonce=None, code_challenge="x", key="",
        )  # fmt: skip
    await directory.set_enabled(alice.id, enabled=False)
    await directory.set_enabled(alice.id, enabled=True)
    assert await records.session(secrets["alice"]) is None
    assert await records.take_code("code of alice", "c") is None
    assert len(await records.revoked_since(time.time() - 60)) == 1
    assert await records.session(secrets["bob"]) is not None
    assert await records.take_code("code of bob", "c") is not None
    await writer.close()
