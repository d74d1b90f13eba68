"""The commands. Rendering only: what they print was decided elsewhere."""
