"""Kernels of somebody's own model: from a file, or recorded while it learned."""
