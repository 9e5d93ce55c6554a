"""The web's front door: HTTP API for clients, sign-in pages, the web client's files, CRLs."""
