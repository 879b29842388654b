"""Never imported by the service."""

import multiprocessing

POOL = multiprocessing.Pool
if __name__ == "__main__":
    POOL(2)
