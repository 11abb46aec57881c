"""Arrays → figures, GIFs and the page. No Keras, and nothing here reads a run."""
