"""The changes that training images undergo, a file each."""
