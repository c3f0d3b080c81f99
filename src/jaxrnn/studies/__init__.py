"""Studies of recurrent networks, one a file: `study(subjects, ...)` measures, `plot(result)` draws."""
