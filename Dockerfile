# teleport-okta as an image: built from the lock files, run by an unprivileged user on a read-only root file system.
# docs/container.md says how to build it with the base image pinned by digest, and how to run it.

ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Dependencies come before sources: a change of ours does not fetch them again. Wheels only: nothing is compiled here.
COPY requirements-build.lock requirements-runtime.lock ./
RUN pip install --require-hashes --only-binary :all: --requirement requirements-build.lock \
    && python -m venv --without-pip /opt/teleport-okta \
    && pip --python /opt/teleport-okta/bin/python install --require-hashes --only-binary :all: --no-compile \
        --requirement requirements-runtime.lock

COPY pyproject.toml README.md LICENSE ./
COPY plugin plugin
COPY gen gen
COPY deploy deploy
# Bytecode is made now because nothing can be written later, and is not compared with its source at every start.
ARG REVISION=""
RUN TELEPORT_OKTA_REVISION="${REVISION}" pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/teleport-okta/bin/python install --no-index --no-deps --no-compile dist/*.whl \
    && /opt/teleport-okta/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/teleport-okta/lib


FROM ${PYTHON_IMAGE}
COPY --from=build /opt/teleport-okta /opt/teleport-okta
# The base image comes without the bytecode of its own library. Teleport's charts start a plugin as
# /usr/local/bin/teleport-plugin. The user is a number: it needs no name and no home.
RUN python -m compileall -q -x '/(site-packages|test|tests|idlelib|lib2to3)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && ln -s /opt/teleport-okta/bin/teleport-okta /usr/local/bin/teleport-okta \
    && ln -s /opt/teleport-okta/bin/teleport-okta /usr/local/bin/teleport-plugin \
    && install -d -m 0700 -o 65532 -g 65532 /var/lib/teleport/plugins/okta

# The one writable place, also for what SQLite spills when a transaction outgrows its memory.
VOLUME ["/var/lib/teleport/plugins/okta"]
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/var/lib/teleport/plugins/okta

ARG VERSION=""
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="teleport-okta" \
      org.opencontainers.image.description="The people, groups, apps and memberships of an Okta organisation in a Teleport cluster, kept right by a self-hosted sidecar" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"

USER 65532:65532
STOPSIGNAL SIGTERM
# Whether the service answers, not whether its passes succeed: a restart helps against the first alone.
HEALTHCHECK --interval=60s --timeout=15s --start-period=90s --retries=3 \
    CMD ["teleport-okta", "status", "--live"]
ENTRYPOINT ["teleport-okta"]
CMD ["start"]
