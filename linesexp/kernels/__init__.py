"""What the kernels became: operators to compare with, and measures. NumPy and SciPy, no disk, no Keras."""
