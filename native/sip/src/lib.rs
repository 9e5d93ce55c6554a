//! SIP framing, parsing and byte-faithful editing (RFC 3261), without I/O.
