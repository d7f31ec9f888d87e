"""What a Python program uses: the public names of ``aaecli``, which it imports from there."""
