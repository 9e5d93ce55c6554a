"""The text of `vestibule.toml`."""

from collections.abc import Collection

from vestibule.config import PREFIX, Settings

_EXAMPLES = {
    "media_address": "192.0.2.10",
    "media_bind": "192.0.2.10",
    "database": "postgresql://vestibule@db.example/vestibule?sslmode=verify-full",
    "relay_address_v6": "2001:db8::10",
    "relay_peers": ("10.1.0.0/16",),
    "outbound_allowed": ("10.2.0.0/16",),
    "acme_directory": "https://acme.example/directory",
    "acme_terms_agreed": True,
    "acme_contact": "admin@example.org",
    "acme_names": ("meet.example.org",),
    "trusted_authorities": ("/etc/vestibule/partner.pem",),
    "pkcs11_module": "/usr/lib/softhsm/libsofthsm2.so",
    "pkcs11_token": "vestibule",
    "pkcs11_key": "issuing",
    "pkcs11_pin_file": "/etc/vestibule/token.pin",
    "metrics_listen": "127.0.0.1:9464",
    "log_json": True,
}


def as_toml(settings: Settings, written: Collection[str]) -> str:
    """Every key with what it means; those not among `written` are commented out."""
    lines = [
        "# Vestibule. Every key can also be given in the environment, as "
        f"{PREFIX}<KEY>; that goes before this file.",
        "",
    ]
    for key, field in Settings.model_fields.items():
        value = getattr(settings, key)
        is_unset = key in _EXAMPLES and not value
        given = _EXAMPLES[key] if is_unset else value
        prefix = "" if key in written and not is_unset else "# "
        lines += [f"# {field.description}", f"{prefix}{key} = {_toml_value(given)}", ""]
    return "\n".join(lines)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
