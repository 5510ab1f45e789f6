"""The stage report: the talk, its figures and slides, and the notebooks, all read-only."""
