"""Tasks: what data and which model meet, and how the network is judged. One file a task, one line in the catalogue."""
