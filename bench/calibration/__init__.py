"""Who is rolled back, and how soon: our judge and the peers' rules on the same simulated traffic."""
