"""GEOGRAPHY: from a place to who sees it and who can come. No network, no host."""
