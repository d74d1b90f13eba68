"""What people ask of Laneway, answered from a cluster: the verbs of `laneway.api`. The controller acts."""
