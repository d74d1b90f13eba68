"""The engine for one machine: object store, workloads as processes, real Envoys, no cluster."""
