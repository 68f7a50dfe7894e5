"""Models on the layers: they see sizes and ids, never words."""
