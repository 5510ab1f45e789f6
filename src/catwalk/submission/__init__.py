"""The stages predict, blend, score, leaderboard, submit and reproduce: from trials to a CSV and its score."""
