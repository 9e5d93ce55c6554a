"""Which connections reach a person (RFC 3261 section 10, RFC 5626, RFC 5627)."""
