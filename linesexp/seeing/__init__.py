"""What a network does with one picture."""
