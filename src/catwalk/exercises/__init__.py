"""What the five course notebooks import; no stage of the pipeline does."""
