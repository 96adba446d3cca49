"""The controller: owns instances, hosts and migrations, and carries every migration to its end."""
