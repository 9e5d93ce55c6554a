"""Certificates of a public authority for public names, by ACME (RFC 8555)."""
