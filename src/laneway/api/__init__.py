"""What every engine can be asked, without a transport: the verbs, what they name, how a walk is told."""
