"""Recurrent cells, one a file: `jaxrnn.cells.<name>.cell(size, ...)`."""
