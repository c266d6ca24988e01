"""The same work spread over a Ray cluster: `features` makes shards of features, `pictures` batches of pictures."""
