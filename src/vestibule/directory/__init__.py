"""Tenants, people, their devices and policies: the single source of accounts (I1)."""
