"""Which generation of the training code made a result."""

REVISION = 2
"""Raised by one where the same settings and seed train to another accuracy than before.

1: the code of the first results. 2: the decoder's batch statistics come from single-class draws, the heads compute in
float32 under bfloat16, Poisson learning balances classes, and ``prior.label`` counts all labels where all are known.
"""
