"""What Laneway costs, measured on this machine, beside the marks of its peers."""
