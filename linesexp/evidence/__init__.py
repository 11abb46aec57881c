"""From a recorded run to its Analysis: every measure, and what the run says about each claim."""
