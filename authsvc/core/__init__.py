"""The pure ring: values and rules, with no I/O, no clock and no settings."""
