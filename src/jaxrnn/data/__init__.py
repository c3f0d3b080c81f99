"""Data sets, one a file: `jaxrnn.data.<name>.dataset(...)`."""
