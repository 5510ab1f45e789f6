"""The stage report: the talk, its figures and slides, and the notebooks; it only reads."""
