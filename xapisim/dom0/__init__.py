"""What a plug-in finds in a host's control domain: this directory is on its PYTHONPATH."""
