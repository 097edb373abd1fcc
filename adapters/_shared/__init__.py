"""What our own adapters share, since they do not know one another: no adapter, no promise.

It stands on the contract, and may be brought in by an adapter of ours alone (see the ADR). What an
integrator is promised is in `hooks`.
"""
