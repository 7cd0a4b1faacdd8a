"""Whether requests are served the features that training sees: a sample, what it should have been, and how old."""
