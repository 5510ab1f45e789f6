"""The stages predict, score, submit and reproduce: from finished trials to a CSV and its score."""
