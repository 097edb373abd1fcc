"""What simulators of different makers share: a lens to film with, and trouble on order.

Nothing of it is any maker's, and no adapter may bring it in.
"""
