"""How it is done: each adapter keeps the promises of one or more ports; none knows another."""
