"""Figures by matplotlib, which is imported only when one is plotted."""

import logging

# Where the home folder cannot be written, matplotlib keeps its cache in a temporary folder and warns in five lines.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
