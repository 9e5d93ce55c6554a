"""One file for each way to prove oneself on SIP."""
