"""Where images come from. numpy and Pillow only: both halves of the program use it."""
