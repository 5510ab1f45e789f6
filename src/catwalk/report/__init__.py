"""The report stage: makes the talk, its figures and slides, and the executed notebook."""
