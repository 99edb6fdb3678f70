"""Transport between server and phones: knows topics and bytes, knows no feature."""
