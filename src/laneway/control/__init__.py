"""The reconcile loop, one for both engines: observe, plan, apply, record."""
