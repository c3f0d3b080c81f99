"""Other tools' recurrent networks, each as its users would write it: what jaxrnn is measured against."""
