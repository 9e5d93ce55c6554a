"""Who watches the roster, and what they are told (event package `conference`, RFC 4575).

One body is built for each view of a change, however many watch; only the small heads differ.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from vestibule.conferencing.conference import Conference, Schedule, Seat
from vestibule.conferencing.roles import Act
from vestibule.conferencing.roster import CONTENT_TYPE, RosterView
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.subscription import EventPackage, Subscription
from vestibule.sip.transaction import ServerTransaction

PACKAGE = EventPackage("conference", CONTENT_TYPE)

MOST_OF_SEAT = 2
"""Subscriptions of one device: one, and a second while it replaces the first."""


@dataclass(slots=True)
class _Audience:
    """The two views of one conference, and the subscriptions by seat id."""

    views: dict[bool, RosterView]
    seats: dict[str, tuple[Seat, list[Subscription]]] = field(default_factory=dict)

    def view_of(self, seat: Seat) -> RosterView:
        return self.views[seat.may(Act.SEE_LOBBY)]


class Watchers:
    """Roster subscriptions of every live conference."""

    def __init__(
        self,
        dialogs: DialogTable,
        schedule: Schedule,
        record_route: Callable[[ServerTransaction], str],
    ) -> None:
        self._dialogs = dialogs
        self._schedule = schedule
        self._record_route = record_route
        self._audiences: dict[str, _Audience] = {}

    def subscribe(self, transaction: ServerTransaction, conference: Conference, seat: Seat) -> None:
        """Let a seat watch; it gets the full roster at once and at each refresh. Raises SipRefusal."""
        audience = self._audience_of(conference)
        _, subscriptions = audience.seats.setdefault(seat.id, (seat, []))
        if len(subscriptions) >= MOST_OF_SEAT:
            raise SipRefusal(403, "Too many subscriptions")

        def ended(subscription: Subscription) -> None:
            if subscription in subscriptions:
                subscriptions.remove(subscription)

        subscriptions.append(
            Subscription.accept(
                transaction,
                PACKAGE,
                contact=conference.meeting.address.focus,
                record_route=self._record_route(transaction),
                dialogs=self._dialogs,
                schedule=self._schedule,
                on_refresh=lambda watcher: watcher.notify(audience.view_of(seat).full()),
                on_end=ended,
            )
        )

    def tell(self, conference: Conference, entity: str) -> None:
        """Tell everyone who may see it how a person's entry looks now."""
        audience = self._audiences.get(conference.meeting.id)
        if audience is None:
            return
        news = {view: view.partial(entity) for view in audience.views.values()}
        for seat, subscriptions in list(audience.seats.values()):
            body = news[audience.view_of(seat)]
            if body is None:
                continue
            for subscription in list(subscriptions):
                subscription.notify(body)

    def tell_all(self, conference: Conference) -> None:
        """Something about the meeting itself has changed: send everyone the whole of what they see."""
        audience = self._audiences.get(conference.meeting.id)
        if audience is None:
            return
        news = {view: view.full() for view in audience.views.values()}
        for seat, subscriptions in list(audience.seats.values()):
            for subscription in list(subscriptions):
                subscription.notify(news[audience.view_of(seat)])

    def view_changed(self, conference: Conference, seat: Seat) -> None:
        """A seat sees more or less than before: send it the whole of what it sees now."""
        audience = self._audiences.get(conference.meeting.id)
        if audience is None or seat.id not in audience.seats:
            return
        for subscription in list(audience.seats[seat.id][1]):
            subscription.notify(audience.view_of(seat).full())

    def drop(self, conference: Conference, seat: Seat) -> None:
        """A seat is gone: it watches no longer."""
        audience = self._audiences.get(conference.meeting.id)
        _, subscriptions = audience.seats.pop(seat.id, (seat, [])) if audience else (seat, [])
        for subscription in list(subscriptions):
            subscription.terminate()

    def close(self, conference: Conference) -> None:
        """The conference is over."""
        self._audiences.pop(conference.meeting.id, None)

    def _audience_of(self, conference: Conference) -> _Audience:
        audience = self._audiences.get(conference.meeting.id)
        if audience is None:
            views = {sees: RosterView(conference, sees_lobby=sees) for sees in (False, True)}
            audience = self._audiences[conference.meeting.id] = _Audience(views)
        return audience
