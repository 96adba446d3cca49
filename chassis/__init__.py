"""What any gRPC service of ours needs, and no word of what it is for."""
