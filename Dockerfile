# syntax=docker/dockerfile:1
# The service, served: locked dependencies, no build tools, no root.

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/ducklake
# The dependencies first: they change less often than the code, so their layer is kept.
COPY requirements.txt ./
RUN /opt/ducklake/bin/pip install --require-hashes --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
RUN /opt/ducklake/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="DuckLake backend" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home --home-dir /home/ducklake ducklake \
    && install --directory --owner=ducklake --group=ducklake /var/lib/ducklake
COPY --from=build /opt/ducklake /opt/ducklake
# Inside a container every interface is the container's own; what is published is the operator's say.
ENV PATH=/opt/ducklake/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DUCKLAKE_HOME=/var/lib/ducklake \
    DUCKLAKE_HOST=0.0.0.0 \
    DUCKLAKE_PORT=8000 \
    DUCKLAKE_LOG_FORMAT=json
USER 10001
VOLUME /var/lib/ducklake
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['DUCKLAKE_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["ducklake"]
CMD ["serve"]
