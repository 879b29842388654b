# Side 2 of benchmarks/image.py: as good as a Dockerfile gets here. uv, the layer order dependencies, model, service,
# handler, bytecode compiled, and the two parts that need a command made in stages of their own.
# ROUND has another value in each first build: --no-cache would empty the cache mounts of older Engines too.
ARG BASE
FROM ${BASE} AS base
ENV LANG=C.UTF-8 PYTHONPATH=/opt/python:/opt/deployer BENTO_PATH=/home/bentoml/bento BENTOML_HOME=/tmp/bentoml \
    BENTOML_DO_NOT_TRACK=True

FROM base AS handler
ARG ROUND
RUN --mount=type=bind,source=tools/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=handler,target=/handler \
    --mount=type=cache,target=/var/cache/deployer-bench-uv --mount=type=secret,id=index \
    set -a && . /run/secrets/index && SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt && \
    uv pip install --quiet --cache-dir /var/cache/deployer-bench-uv --python python3 --link-mode copy \
        --target /opt/deployer -r /handler/requirements.txt && \
    cp -r /handler/deployer_runtime /opt/deployer/ && python3 -m compileall -q -j 0 /opt/deployer

FROM base AS service
ARG ROUND
COPY src /home/bentoml/bento/src
COPY bento.yaml /home/bentoml/bento/
RUN python3 -m compileall -q /home/bentoml/bento/src

FROM base
ARG ROUND
RUN --mount=type=bind,source=tools/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=env/python/requirements.txt,target=/requirements.txt \
    --mount=type=cache,target=/var/cache/deployer-bench-uv --mount=type=secret,id=index \
    set -a && . /run/secrets/index && SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt && \
    uv pip install --quiet --cache-dir /var/cache/deployer-bench-uv --python python3 --link-mode copy \
        --compile-bytecode --target /opt/python -r /requirements.txt
COPY models /home/bentoml/bento/models
COPY --from=service /home/bentoml/bento /home/bentoml/bento
COPY --from=handler /opt/deployer /opt/deployer
ENV HOME=/tmp
WORKDIR /home/bentoml/bento/src
ENTRYPOINT ["python3", "-m", "awslambdaric"]
CMD ["deployer_runtime.handler.handle"]
