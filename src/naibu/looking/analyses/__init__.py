"""The analyses, a family a file: each ties a probe to its section, its finding, its numbers. `catalogue` lists them."""
