"""What bears a migration's mark: where it is written, how it is found, how it is released."""
