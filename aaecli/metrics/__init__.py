"""How good an answer is. numpy only."""
