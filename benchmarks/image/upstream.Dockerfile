# Side 1 of benchmarks/image.py: the steps of upstream's operator, with pip. Nothing of the good order of side 2:
# one layer with the whole Bento, its models in it, and the handler's packages installed after that.
# ROUND has another value in each first build: --no-cache would empty the cache mounts of older Engines too.
ARG BASE

# Built alone and untimed (--target downloads). pip keeps files here that its own cache keeps only where the index lets it.
# It still asks the index which versions there are, as it does with a warm cache, and as uv does on the other sides.
FROM ${BASE} AS downloads
ARG ROUND
RUN --mount=type=bind,source=.,target=/context --mount=type=cache,target=/var/cache/deployer-bench-pip \
    --mount=type=secret,id=index \
    set -a && . /run/secrets/index && cd /var/cache/deployer-bench-pip && \
    python3 -m pip download --quiet --disable-pip-version-check -r /context/env/python/requirements.txt && \
    python3 -m pip download --quiet --disable-pip-version-check -r /context/handler/requirements.txt

FROM ${BASE}
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 BENTO_PATH=/home/bentoml/bento BENTOML_HOME=/tmp/bentoml BENTOML_DO_NOT_TRACK=True
WORKDIR /home/bentoml/bento
ARG ROUND

COPY env/python env/python
RUN --mount=type=cache,target=/var/cache/deployer-bench-pip --mount=type=secret,id=index \
    set -a && . /run/secrets/index && \
    python3 -m pip install --disable-pip-version-check --no-cache-dir \
        --find-links /var/cache/deployer-bench-pip -r env/python/requirements.txt

COPY . .

RUN --mount=type=cache,target=/var/cache/deployer-bench-pip --mount=type=secret,id=index \
    set -a && . /run/secrets/index && \
    python3 -m pip install --disable-pip-version-check --no-cache-dir \
        --find-links /var/cache/deployer-bench-pip -r handler/requirements.txt

ENV PYTHONPATH=/home/bentoml/bento/handler HOME=/tmp
WORKDIR /home/bentoml/bento/src
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["deployer_runtime.handler.handle"]
