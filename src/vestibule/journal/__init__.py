"""The journal: an append-only, hash-chained record of security events, without secrets (DESIGN 4.11)."""
