"""What an import would change: nobody is taken over, enabled or made twice by what a directory says."""

from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.ldap_plan import Plan, plan_of
from vestibule.directory.ldap_source import LdapEntry, LdapRefused, LdapSource
from vestibule.directory.model import BreakGlass, Person
from vestibule.directory.names import display_name, email_address, user_name
from vestibule.directory.provisioning import Provisioning

DOMAIN = "example.org"


def person(user: str, **more: Any) -> Person:
    said: dict[str, Any] = {
        "display_name": user.title(), "email": f"{user}@{DOMAIN}", "licensed": True,
        "enabled": True, "source": "ldap", "external_id": f"id-{user}", **more,
    }  # fmt: skip
    return Person(user, "t", user, DOMAIN, **said)


def entry(user: str, **more: str) -> LdapEntry:
    return LdapEntry(
        **{"identity": f"id-{user}", "user": user, "name": user.title(), "mail": "", **more}
    )


def planned(entries: list[LdapEntry], people: list[Person], **more: bool) -> Plan:
    return plan_of(entries, people, DOMAIN, Provisioning(Mock(), "ldap"), **more)


def test_who_is_the_same_stays() -> None:
    plan = planned([entry("alice")], [person("alice")])
    assert not (plan.add or plan.change or plan.disable or plan.skipped)


def test_an_address_is_kept_when_the_user_name_changes_there() -> None:
    plan = planned([entry("smith", identity="id-alice", name="Alice S.")], [person("alice")])
    ((who, kept),) = plan.change
    assert (who.user, kept.display_name) == ("alice", "Alice S.")
    assert not plan.add


@pytest.mark.parametrize(
    "here",
    [
        {"external_id": "another"},
        {"source": "scim", "external_id": None},
        {"source": "", "external_id": None, "break_glass": BreakGlass.BLOCKS},
        {"source": "", "external_id": None, "removed_at": 1.0, "enabled": False},
        {"enabled": False},
    ],
)
def test_who_isn_t_the_directory_s_is_left_alone(here: dict[str, Any]) -> None:
    plan = planned([entry("alice", name="Other")], [person("alice", **here)])
    assert not (plan.add or plan.change)
    assert len(plan.skipped) == 1


def test_a_user_name_comes_once() -> None:
    twins = [entry("dora"), entry("dora", identity="other")]
    plan = planned(twins, [])
    assert len(plan.add) == len(plan.skipped) == 1
    local = person("dora", source="", external_id=None)
    plan = planned(twins, [local])
    assert (len(plan.change), len(plan.skipped)) == (1, 1)


def test_only_imported_people_vanish_and_only_a_share_of_them() -> None:
    here = [person(f"p{n}") for n in range(10)]
    here += [person("local", source="", external_id=None), person("off", enabled=False)]
    plan = planned([entry(f"p{n}") for n in range(9)], here)
    assert [who.user for who, _ in plan.disable] == ["p9"]
    assert not plan.vanishes_too_much(10)
    assert plan.vanishes_too_much(9)
    assert planned([], here).vanishes_too_much(99)


TEXT = st.text(max_size=12) | st.sampled_from(["alice", "bob", "id-alice", "a@b.test"])


@given(st.lists(st.builds(LdapEntry, TEXT, TEXT, TEXT, TEXT), max_size=6))
def test_whatever_a_directory_says_only_what_is_fit_comes_of_it(entries: list[LdapEntry]) -> None:
    plan = planned(entries, [person("alice"), person("bob", enabled=False)])
    said = [kept for _, kept in (*plan.add, *plan.change)]
    for kept in said:
        assert display_name(kept.display_name) == kept.display_name
        assert email_address(kept.email)
    for user, _ in plan.add:
        assert user_name(user) == user
    assert len({kept.external_id for kept in said}) == len(said)
    assert len({user for user, _ in plan.add}) == len(plan.add)


def source(**more: str) -> LdapSource:
    said: dict[str, Any] = {
        "url": "ldaps://h",
        "base": "",
        "bind_dn": "cn=x",
        "password": "x",
        **more,
    }
    return LdapSource(tls=Mock(), **said)


@given(st.text())
def test_a_group_adds_one_term_to_the_filter_whatever_it_is_called(group: str) -> None:
    whole = source(group=group or "x", filter="(a=b)").whole_filter
    inside = whole.removeprefix("(&(a=b)(memberOf=").removesuffix("))")
    assert not set(inside) & set("()*\0")


@pytest.mark.parametrize(
    "more",
    [{"url": "http://h"}, {"url": "ldap://"}, {"url": "ldaps://h:x"}, {"url": "ldaps://h/dc=x?y"},
     {"bind_dn": ""}, {"password": ""}],
)  # fmt: skip
async def test_what_can_t_be_read_safely_is_refused(more: dict[str, str]) -> None:
    with pytest.raises(LdapRefused):
        await source(**more).read()
