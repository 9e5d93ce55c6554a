//! Rooms: ICE, SRTP, forwarding and mixing, without I/O.
