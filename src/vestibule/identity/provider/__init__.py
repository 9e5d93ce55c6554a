"""The OpenID Connect provider: OAuth 2.1's authorization code with PKCE, for our own clients.

Authlib decides what a request means; the files here say which clients exist, where codes and
refresh tokens are kept, and close what OAuth 2.1 and RFC 9700 close. No web framework in here:
requests come in and answers go out as plain values, the portal speaks HTTP.
"""
