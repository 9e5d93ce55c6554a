"""The media side seen from Python: rooms over the native core, phones' offers, relay credentials."""
