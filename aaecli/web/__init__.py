"""The exported pair behind HTTP: the interface for programs, the page to draw on, the page to label on. No torch."""
