"""see: pictures through a network, and the figures of that."""
