"""The media side of a node, put together: rooms, the rooms of bridged calls, the relay and who may use it."""

from dataclasses import dataclass

from vestibule._native import Media, Relay
from vestibule.config import Settings
from vestibule.listening import naming
from vestibule.media.call_rooms import CallRooms
from vestibule.media.relay_addresses import relay_addresses
from vestibule.media.relay_authentication import RelayAuthentication
from vestibule.media.relay_credentials import RelayCredentials, RelayPlace
from vestibule.media.rooms import Rooms


@dataclass(frozen=True, slots=True)
class MediaParts:
    """What signalling and meetings need of media. The threads are `native`'s and `relay`'s."""

    native: Media
    rooms: Rooms
    call_rooms: CallRooms
    relay: Relay
    relay_credentials: RelayCredentials
    relay_authentication: RelayAuthentication

    def close(self) -> None:
        """End every room, call and allocation."""
        self.rooms.stop()
        self.native.close()
        self.relay.close()


def open_media(settings: Settings) -> MediaParts:
    """Open what media need. Raises OSError, which names the address and ports, if they can't be had."""
    address = settings.advertised_media_address
    native = Media(
        bind=settings.media_bind or settings.bind,
        advertise=address,
        port_low=settings.media_port_low,
        port_high=settings.media_port_high,
        fips=settings.fips,
        transcodings=settings.transcoded_pictures,
    )
    rooms = Rooms(native, address, fips=settings.fips, h264=settings.transcoded_pictures > 0)
    relay = _open_relay(settings)
    place = RelayPlace(settings.authority_host, settings.turn_ports[0], settings.https_port)
    credentials = RelayCredentials(relay, place)
    return MediaParts(
        native=native,
        rooms=rooms,
        call_rooms=CallRooms(native, rooms, address, fips=settings.fips),
        relay=relay,
        relay_credentials=credentials,
        relay_authentication=RelayAuthentication(credentials),
    )


def _open_relay(settings: Settings) -> Relay:
    relayed = settings.bind if settings.media_bind else settings.advertised_media_address
    addresses = relay_addresses(settings.bind, relayed, settings.relay_address_v6)
    with naming(f"UDP ports {settings.turn_ports} of {settings.bind}"):
        return Relay(
            bind=addresses.bind,
            ports=settings.turn_ports,
            advertise=addresses.advertise,
            realm=settings.domains[0],
            port_low=settings.media_port_low,
            port_high=settings.media_port_high,
            allowed_peers=settings.relay_peers,
            own_peer_ports=(settings.media_port_low, settings.media_port_high),
            allocations_per_person=settings.relay_allocations_per_person,
            allocations_per_address=settings.relay_allocations_per_address,
            octets_per_person=settings.relay_kilobits_per_person * 1000 // 8 or None,
            fips=settings.fips,
        )
