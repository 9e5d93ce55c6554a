"""What a demo tells the person who started it: what to open, whom to be, what to trust."""

from pathlib import Path
from typing import Any

from vestibule.cli.output import say, show_table


def print_guide(facts: dict[str, Any], fingerprint: str, folder: Path) -> None:
    """Print the steps that lead to a meeting. `facts` is what `demo.json` says."""
    host = f"[{facts['host']}]" if ":" in facts["host"] else facts["host"]
    authority = facts["ca_file"]
    say("")
    say("Vestibule is running. Open", f"https://{host}:{facts['https_port']}")
    say("")
    say("1  Trust its authority, once:", authority)
    say("   SHA-256 fingerprint:", fingerprint)
    say("   Firefox, Chromium: Settings, Privacy and security, Certificates, Authorities, Import.")
    say(
        "   Chromium on Linux, by command (libnss3-tools): "
        f"certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n vestibule-demo -i {authority}"
    )
    say(
        f"   Debian, for everything else, as root: cp {authority} "
        "/usr/local/share/ca-certificates/vestibule-demo.crt && update-ca-certificates"
    )
    say("")
    say("2  Sign in as the host and start the meeting:")
    show_table(
        ("   name", "password", "SIP address"),
        ((f"   {name}", user["password"], user["sip"]) for name, user in facts["users"].items()),
    )
    say("")
    say("3  Open the invitation elsewhere, as a guest, and be admitted:")
    say("  ", facts["meeting"]["link"])
    say("")
    say("4  Join by SIP phone: TLS, SRTP by SDES, and call")
    say("  ", facts["meeting"]["focus"])
    say(f"   outbound proxy  sip:{host}:{facts['sip_tls_port']};transport=tls")
    say(f"   STUN and TURN   {host}:{facts['turn_port']}, UDP and TCP")
    show_table(
        ("   user", "client certificate, or …", "digest secret (SHA-256)"),
        (
            (f"   {name}", user["device_pem"], user["device_secret"])
            for name, user in facts["users"].items()
        ),
    )
    say("")
    say("The same for scripts:", str(folder / "demo.json"))
    say("More people and phones:", f"vestibule --help, with -c {folder / 'vestibule.toml'}")
    say("Ctrl-C stops it; the data stays for the next start.")
