"""The stages new, data, prepare and kaggle: a competition's TOML, CSVs, arrays, split and sealed labels."""
