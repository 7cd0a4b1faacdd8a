"""Great Expectations suites: raw events, training sets, served predictions."""
