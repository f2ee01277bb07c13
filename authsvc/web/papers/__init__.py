"""Papers: what the console hands out as PDF, with its fonts inside, set from plain values alone."""
