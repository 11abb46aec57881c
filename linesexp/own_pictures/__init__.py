"""A run on somebody's own pictures, from class folders."""
