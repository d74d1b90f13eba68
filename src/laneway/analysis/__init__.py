"""Pure: counted requests of a canary and of stable → evidence → a verdict with a stated error rate.

Must not know where counts come from, who keeps the state, or what becomes of a release.
"""
