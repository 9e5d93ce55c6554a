//! STUN and TURN (RFC 8489, RFC 8656), without I/O.
