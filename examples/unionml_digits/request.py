"""Send five digits to a served model and print its answer: python request.py [URL]

Without a URL it is the one of `bentoml serve` on this machine, whose port BENTOML_PORT may name.
"""

import os
import sys

import requests
from sklearn.datasets import load_digits

url = sys.argv[1] if len(sys.argv) > 1 else f"http://localhost:{os.environ.get('BENTOML_PORT', '3000')}"
rows = load_digits(as_frame=True).frame.drop(columns="target").sample(5, random_state=42)

try:
    answer = requests.post(
        f"{url.rstrip('/')}/predict",
        headers={"Content-Type": "application/json"},
        data=rows.to_json(orient="records"),
        timeout=60,
    )
except ValueError as error:  # what requests raises for addresses
    sys.exit(f"request.py: {url} is no URL such as http://localhost:3000: {error}")
except requests.RequestException as error:
    sys.exit(f"request.py: {url} does not answer: {error}")
print(answer.text)
sys.exit(not answer.ok)
