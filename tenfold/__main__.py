"""Runs the command line: `python -m tenfold` does the same as `tenfold`."""

from tenfold.cli import main

if __name__ == "__main__":
    main()
