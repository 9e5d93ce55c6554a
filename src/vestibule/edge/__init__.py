"""Where connections begin and end."""
