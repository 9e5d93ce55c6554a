"""SIP as sans-I/O state machines: URIs, transactions, dialogs, event packages, SDP (no policy)."""
