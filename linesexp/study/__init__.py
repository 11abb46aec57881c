"""Studies: many networks under several conditions, trained in blocks, and what they show together."""
