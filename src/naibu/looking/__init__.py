"""The main job: train, record, probe, intervene, report, each from what the one before left on disk."""
