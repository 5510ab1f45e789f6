"""The stages data and prepare: raw CSVs are found or downloaded, read, split, and test labels sealed."""
