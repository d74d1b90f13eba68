"""The rules that objects keep among each other: one small function each, named for its rule."""
