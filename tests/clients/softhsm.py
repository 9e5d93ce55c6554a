"""SoftHSM, a PKCS#11 token in software: real tokens in a folder of the test's own."""

import subprocess
from pathlib import Path

from vestibule.pki.token_place import TokenPlace

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "pin-of-the-token-4711"


class SoftHsm:
    """One token. Whatever process loads the module needs `environment`."""

    def __init__(self, folder: Path, label: str = "vestibule") -> None:
        self.folder, self.label = folder, label
        self.pin_file = folder / "token.pin"
        configuration, tokens = folder / "softhsm2.conf", folder / "tokens"
        tokens.mkdir(parents=True)
        configuration.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(configuration)}
        self.write_pin(PIN)
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label,
             "--so-pin", "so-pin-of-the-token", "--pin", PIN],
            env=self.environment, check=True, capture_output=True,
        )  # fmt: skip

    def write_pin(self, pin: str) -> None:
        """What the PIN file says from now on."""
        self.pin_file.touch(mode=0o600)
        self.pin_file.write_text(pin + "\n")

    def place(self, key: str) -> TokenPlace:
        """Where a key is, or is to be."""
        return TokenPlace(MODULE, self.label, key, self.pin_file)
