"""Vestibule: a unified-communications server that lets in nobody who does not belong."""
