"""Which person is this, proven how."""
