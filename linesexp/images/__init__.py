"""What the network sees: lines, data sets, and folders of pictures. NumPy only, no disk."""
