"""linesexp: watch convolution kernels learn from pictures of lines, and measure what they became."""

__version__ = "0.1.0"
