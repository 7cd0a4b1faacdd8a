"""One set of feature definitions, for training and for serving."""
