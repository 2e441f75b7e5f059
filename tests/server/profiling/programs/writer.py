"""Writes so many bytes to a file, as py-spy does: it opens the path that it is given."""

import sys

print("begun", flush=True)
with open(sys.argv[1], "wb") as file:
    file.write(b"x" * int(sys.argv[2]))
print("done", flush=True)
