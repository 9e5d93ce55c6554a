"""Signing in at an OpenID provider of somebody else's: we are the relying party (I1, I3)."""
