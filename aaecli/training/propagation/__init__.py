"""Pseudo-labels from the nearest neighbours of the labelled images."""
