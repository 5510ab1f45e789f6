"""The stage grade: reads and scores a class's submissions."""
