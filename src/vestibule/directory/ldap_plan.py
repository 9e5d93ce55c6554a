"""What an import would change: a pure comparison of who is there with who is here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vestibule.directory.ldap_source import LdapEntry
from vestibule.directory.model import Person
from vestibule.directory.names import UnfitName, display_name, email_address, user_name
from vestibule.directory.provisioning import Kept, NotYours, Provisioning

SOURCE = "ldap"


@dataclass(slots=True)
class Plan:
    """What to do, and what can't be done, each with its reason."""

    add: list[tuple[str, Kept]] = field(default_factory=list)
    """User names with what is said of them."""
    change: list[tuple[Person, Kept]] = field(default_factory=list)
    disable: list[tuple[Person, Kept]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    placed: set[str] = field(default_factory=set)
    """The user names that an entry has taken."""
    kept_before: int = 0
    """Enabled people that earlier imports brought or took over."""

    def vanishes_too_much(self, percent: int) -> bool:
        """Whether more than that share of those who were kept would be disabled."""
        return len(self.disable) * 100 > self.kept_before * percent


def plan_of(
    entries: Sequence[LdapEntry],
    people: Sequence[Person],
    domain: str,
    provisioning: Provisioning,
    *,
    enable: bool = False,
) -> Plan:
    """What it takes to have these people as those entries say.

    Who is disabled here stays so, for an admin may have done it, unless `enable`. Whoever came by an
    import and isn't among the entries is to be disabled, never deleted.
    """
    plan = Plan()
    by_id = {one.external_id: one for one in people if one.source == SOURCE and one.external_id}
    by_user = {one.user: one for one in people if one.domain == domain}
    seen: set[str] = set()
    for entry in entries:
        if not entry.identity or entry.identity in seen or len(entry.identity) > 255:
            plan.skipped.append((entry.user, "no identity, or one that comes twice"))
            continue
        seen.add(entry.identity)
        _place(plan, entry, by_id, by_user, domain, provisioning, enable=enable)
    for person in by_id.values():
        if not person.enabled:
            continue
        plan.kept_before += 1
        if person.external_id not in seen:
            gone = Kept(person.display_name, person.email, person.external_id, enabled=False)
            plan.disable.append((person, gone))
    return plan


def _place(
    plan: Plan,
    entry: LdapEntry,
    by_id: Mapping[str, Person],
    by_user: dict[str, Person],
    domain: str,
    provisioning: Provisioning,
    *,
    enable: bool,
) -> None:
    """Put one entry where it belongs in the plan."""
    try:
        user = user_name(entry.user)
        shown = display_name(entry.name or user)
        mail = email_address(entry.mail) if entry.mail else f"{user}@{domain}"
        person = by_id.get(entry.identity) or by_user.get(user)
        if (person.user if person else user) in plan.placed:
            plan.skipped.append((entry.user, "the user name comes twice"))
            return
        plan.placed.add(person.user if person else user)
        if person is None:
            plan.add.append((user, Kept(shown, mail, entry.identity, enabled=True)))
            return
        provisioning.check(person)
    except (UnfitName, NotYours) as error:
        plan.skipped.append((entry.user, str(error)))
        return
    if person.source == SOURCE and person.external_id != entry.identity:
        plan.skipped.append((entry.user, "the address belonged to another entry"))
    elif person.removed_at is not None:
        plan.skipped.append((entry.user, "the address belonged to a removed account"))
    elif not person.enabled and not enable:
        plan.skipped.append((entry.user, "disabled here: --enable, or `vestibule user enable`"))
    else:
        kept = Kept(shown, mail, entry.identity, enabled=True)
        if provisioning.changed(person, kept) != person:
            plan.change.append((person, kept))
