"""`python -m deployer` is the command `deployer`."""

from deployer.cli import main

if __name__ == "__main__":
    main()
