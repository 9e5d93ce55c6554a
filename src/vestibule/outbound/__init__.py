"""What we fetch from elsewhere: one way out, with limits, to public addresses only."""
