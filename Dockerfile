# The service without a database: TODO_DATABASE_URL names one.

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What changes least comes first: the pins, then the code. /app gets no pip of its own.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv --without-pip /app \
    && python -m venv /build \
    && /build/bin/pip install --quiet --require-hashes --requirement requirements/build.txt \
    && /build/bin/pip --python /app/bin/python install --quiet --require-hashes --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /build/bin/pip --python /app/bin/python install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
LABEL org.opencontainers.image.title="todo" \
      org.opencontainers.image.description="A multi-user task service: HTTP in front, PostgreSQL behind." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 TODO_HOST=0.0.0.0 TODO_PORT=8000
# A number, not a name: so an orchestrator can see that it is not root. No such user needs to exist.
USER 10001:10001
WORKDIR /app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['TODO_PORT']), timeout=2); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["todo"]
CMD ["serve"]
