"""The main job on one machine: deploy, train, serve, release, roll back, and show it."""
