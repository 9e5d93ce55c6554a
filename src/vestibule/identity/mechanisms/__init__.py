"""The ways a message can prove its sender, one file each."""
