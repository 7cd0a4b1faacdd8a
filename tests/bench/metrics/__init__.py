"""What the metrics cost: on a request's path, and on the thread that keeps them."""
