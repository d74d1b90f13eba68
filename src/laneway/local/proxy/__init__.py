"""The data plane of one machine: every pod's sidecar, and the two gateways."""
