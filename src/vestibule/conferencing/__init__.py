"""Meetings: who may come in, who waits, who is here, and who may do what."""
