"""Mode collapse: reference values, indicators, verdict, and the monitor of a training run."""
