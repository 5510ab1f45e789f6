"""The stages data and prepare: find or download the raw CSVs, read and split them, hide the test labels."""
