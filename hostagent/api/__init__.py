"""The border to gRPC: protos to values and back, errors to statuses, reports to the controller."""
