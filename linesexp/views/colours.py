"""Colours of text and of marks, for every kind of picture."""

INK = "#1f2328"
FAINT = "#6b7280"
SILENT = "#d9dce1"
