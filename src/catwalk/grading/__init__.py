"""The stage grade: what a class handed in, read and scored."""
