"""The native room alone in a process: a line of JSON in, a line of JSON out, until standard input ends."""

import json
import sys
from typing import Any

from vestibule._native import Media

ROOM = "bench"


def main() -> None:
    """Let browsers and phones into one room at the given address."""
    address = sys.argv[1]
    media = Media(bind="0.0.0.0", advertise=address, port_low=40_000, port_high=49_999)
    media.open_room(ROOM)
    for line in sys.stdin:
        print(json.dumps(_obey(media, json.loads(line))), flush=True)
    media.close()


def _obey(media: Media, asked: dict[str, Any]) -> dict[str, Any]:
    endpoint = asked["endpoint"]
    if "offer" in asked:
        answer = media.join_browser(
            ROOM, endpoint, asked["offer"], audio=True, video=True, screen=True
        )
        return {"answer": answer}
    master = bytes.fromhex(asked["master"])
    port = media.join_phone(
        ROOM,
        endpoint,
        codec="opus",
        payload_type=asked["payload_type"],
        dtmf_payload_type=None,
        suite=asked["suite"],
        local_key=master,
        remote_key=master,
        remote_host="127.0.0.1",
        remote_port=asked["port"],
        remote_is_known=True,
        rtcp_mux=True,
        audio=True,
    )
    return {"port": port}


if __name__ == "__main__":
    main()
