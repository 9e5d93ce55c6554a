"""Two-party calls and messages: the proxy in front of people (RFC 3261 section 16)."""
