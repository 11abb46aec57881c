"""From a recorded run to its analysis, figures, GIFs and page."""
