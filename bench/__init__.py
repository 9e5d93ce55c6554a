"""Programs that put a peer beside us in the same run and print ratios."""
