"""The demo's data: made once, kept, and healed where something was lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from vestibule.cli.demo_data import DOMAIN, DemoData
from vestibule.cli.new_password import is_password
from vestibule.cli.workspace import Workspace, open_workspace
from vestibule.config import Settings

Facts = dict[str, Any]


def pem_of(facts: Facts, name: str) -> bytes:
    """A person's device file, which only its owner may read."""
    path = Path(facts["users"][name]["device_pem"])
    assert path.stat().st_mode & 0o077 == 0
    return path.read_bytes()


def settings(folder: Path, https_port: int = 8443) -> Settings:
    return Settings(
        data_dir=folder, host="127.0.0.1", domains=(DOMAIN,), bind="127.0.0.1",
        https_port=https_port,
    )  # fmt: skip


async def build(folder: Path, kept: Facts, https_port: int = 8443) -> Facts:
    async with open_workspace(settings(folder, https_port)) as workspace:
        return await DemoData(workspace, kept, lambda text: None).build()


@pytest.fixture
def first(tmp_path: Path) -> Facts:
    return asyncio.run(build(tmp_path, {}))


def test_it_says_exactly_what_is_documented(first: Facts) -> None:
    assert set(first) == {
        "host", "domain", "ca_file", "https_port", "sip_tls_port", "turn_port", "media_ports",
        "server_pid_file", "users", "meeting", "web_client_id",
    }  # fmt: skip
    for user in first["users"].values():
        assert set(user) == {"sip", "password", "device_secret", "device_pem"}
    assert set(first["meeting"]) == {"link", "id", "conference_key", "focus", "organizer"}
    documented = Path(__file__).parents[3].joinpath("docs", "admins", "demo.md").read_text()
    assert [key for key in first if f"| `{key}` |" not in documented] == []


async def test_what_it_says_is_so(tmp_path: Path) -> None:
    facts = await build(tmp_path, {})
    async with open_workspace(settings(tmp_path)) as workspace:
        directory = workspace.directory
        for name, user in facts["users"].items():
            person = directory.person(user["sip"])
            assert person is not None
            assert await is_password(await directory.password_hash(person.id), user["password"])
            assert len(directory.digest_devices(person.id)) == 1
            assert pem_of(facts, name)
        tenant = directory.tenant_of_domain(DOMAIN)
        assert tenant is not None
        assert tenant.policy.device_digest
        assert not tenant.policy.device_digest_md5


async def test_a_second_start_keeps_everything(tmp_path: Path) -> None:
    first = await build(tmp_path, {})
    pems = [pem_of(first, name) for name in first["users"]]
    assert await build(tmp_path, first) == first
    assert [pem_of(first, name) for name in first["users"]] == pems


async def test_lost_facts_are_replaced_and_old_secrets_end(tmp_path: Path) -> None:
    first = await build(tmp_path, {})
    again = await build(tmp_path, {})
    assert again["users"]["alice"]["password"] != first["users"]["alice"]["password"]
    async with open_workspace(settings(tmp_path)) as workspace:
        alice = workspace.person("alice")
        assert len(workspace.directory.digest_devices(alice.id)) == 1


async def test_a_password_that_was_changed_meanwhile_is_not_claimed(tmp_path: Path) -> None:
    first = await build(tmp_path, {})
    async with open_workspace(settings(tmp_path)) as workspace:
        await workspace.directory.set_password(workspace.person("bob").id, "$argon2id$other")
    again = await build(tmp_path, first)
    assert again["users"]["bob"]["password"] != first["users"]["bob"]["password"]
    assert again["users"]["alice"] == first["users"]["alice"]


async def _revoke_all(workspace: Workspace) -> None:
    for device in workspace.directory.devices_of(workspace.person("carol").id):
        await workspace.directory.revoke_device(device.id)


async def test_revoked_devices_are_replaced(tmp_path: Path) -> None:
    first = await build(tmp_path, {})
    before = pem_of(first, "carol")
    async with open_workspace(settings(tmp_path)) as workspace:
        await _revoke_all(workspace)
    again = await build(tmp_path, first)
    assert again["users"]["carol"]["device_secret"] != first["users"]["carol"]["device_secret"]
    assert pem_of(again, "carol") != before


async def test_another_port_is_followed_by_certificates_and_link(tmp_path: Path) -> None:
    first = await build(tmp_path, {})
    before = pem_of(first, "alice")
    again = await build(tmp_path, first, https_port=9443)
    assert "127.0.0.1:9443" in again["meeting"]["link"]
    assert again["meeting"]["id"] == first["meeting"]["id"]
    assert pem_of(again, "alice") != before
    assert again["users"]["alice"]["password"] == first["users"]["alice"]["password"]
