"""A phone at the level of packets, for rooms without a server around them: RTP in µ-law under AEAD_AES_128_GCM."""

import socket
import struct
from types import TracebackType
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.clients.audio import RATE, Samples
from vestibule._native import Media

SSRC = 0x5EED
FRAME = 160  # samples of 20 ms
LEG: dict[str, Any] = {
    "codec": "PCMU",
    "payload_type": 0,
    "dtmf_payload_type": 101,
    "suite": "AEAD_AES_128_GCM",
    "local_key": bytes(range(28)),
    "remote_key": bytes(range(100, 128)),
    "remote_host": "127.0.0.1",
    "remote_port": 9,
    "remote_is_known": True,
    "rtcp_mux": True,
    "audio": True,
}


class GcmPhone:
    """A phone's sending half: RTP under AEAD_AES_128_GCM (RFC 7714), in few words."""

    def __init__(self, master: bytes) -> None:
        key, salt = master[:16], master[16:]
        self.cipher = AESGCM(self.derive(key, salt, 0, 16))
        self.salt = self.derive(key, salt, 2, 12)
        self.sequence = 0

    @staticmethod
    def derive(key: bytes, salt: bytes, label: int, length: int) -> bytes:
        """A session key (RFC 3711 section 4.3.1); the salt of 96 bits is filled up to 112."""
        start = bytearray(salt + bytes(4))
        start[7] ^= label
        stream = Cipher(algorithms.AES(key), modes.CTR(bytes(start))).encryptor()
        return stream.update(bytes(length))

    def packet(self, payload: bytes) -> bytes:
        """The next packet, protected."""
        self.sequence += 1
        header = struct.pack("!BBHII", 0x80, 0, self.sequence, self.sequence * 160, SSRC)
        number = struct.pack("!HIIH", 0, SSRC, 0, self.sequence)
        nonce = bytes(a ^ b for a, b in zip(number, self.salt, strict=True))
        return header + self.cipher.encrypt(nonce, payload, header)


class TalkingPhone:
    """A phone in a room that says what it is given, in step with the mix that the room sends it."""

    def __init__(self, media: Media, room: str, endpoint: str, says: Samples) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self._says = mu_law(says[:: RATE // 8000])
        self._said = 0
        self._sender = GcmPhone(LEG["remote_key"])
        leg = {**LEG, "remote_port": self._socket.getsockname()[1]}
        self._room = ("127.0.0.1", media.join_phone(room, endpoint, **leg))

    def __enter__(self) -> "TalkingPhone":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def talk(self) -> None:
        """Take one packet of the mix, which comes every 20 ms, and say as much. Raises TimeoutError."""
        self._socket.recv(2048)
        frame = self._says[self._said : self._said + FRAME]
        self._said += FRAME
        self._socket.sendto(self._sender.packet(frame), self._room)


def mu_law(samples: Samples) -> bytes:
    """Samples of 8 kHz in G.711 µ-law."""
    pcm = np.clip(np.round(samples * 32767).astype(np.int64), -32635, 32635)
    magnitude = np.abs(pcm) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(pcm < 0, 0x80, 0)
    octets: bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return octets
