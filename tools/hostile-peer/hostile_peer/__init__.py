"""A peer that misbehaves, written against docs/wire.md alone."""
