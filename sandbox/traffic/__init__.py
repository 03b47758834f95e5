"""Users and ground truth: a process of its own that sends live requests and, later, tells which were right."""
