"""`python -m deployer.local [--detach]`: the daemon. People use `deployer local start`."""

import sys

from deployer.local.daemon import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
