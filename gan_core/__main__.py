"""`python -m gan_core`: the command line of gan_core/cli."""

from gan_core.cli import main

if __name__ == "__main__":
    main()
