"""How a run shows itself where somebody works with it in Python: a card, figures, GIFs."""
