"""A version that is shown what the champion is asked, in a process of its own beside each gateway replica.

In the gateway: `shadows` starts a `keeper` per model, which feeds its `child` from a bounded `mirror` and watches
it. In the child: `process` begins at the lowest priority, `working` answers and logs.
"""
