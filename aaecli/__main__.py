"""Lets ``python -m aaecli`` do what ``aaecli`` does."""

from aaecli.cli import main

main()
