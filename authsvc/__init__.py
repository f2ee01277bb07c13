"""authsvc: the open anti-counterfeiting authentication service."""
