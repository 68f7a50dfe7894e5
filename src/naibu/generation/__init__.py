"""Networks at work: one step after another, what is chosen at each, and the text that comes of it."""
