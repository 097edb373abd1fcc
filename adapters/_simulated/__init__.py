"""What simulators of different makers share: a lens, a way to show what it films, trouble on order.

Nothing of it is any maker's, and no adapter may bring it in.
"""
