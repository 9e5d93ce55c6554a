"""Logs that can't be forged and hold no secrets."""
