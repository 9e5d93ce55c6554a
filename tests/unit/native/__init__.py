"""Tests of the native modules through their Python boundary."""
