"""Effects: from a table of studies to one effect with its variance a study."""
