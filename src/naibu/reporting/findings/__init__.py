"""What was found, in plain sentences computed from the results; where nothing was found they say so."""
