"""Real clients and networks, driven by tests: nothing in here imports Vestibule."""
