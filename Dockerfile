# One image for every service; the command chooses: intake, routing, notify, reporting.
# The tag is pinned; pin its digest in your own registry.
FROM python:3.12.8-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY requirements.service.lock ./
RUN uv venv /opt/pasokh && uv pip sync --python /opt/pasokh/bin/python --require-hashes requirements.service.lock
COPY libs/common libs/common
COPY services services
RUN uv pip install --python /opt/pasokh/bin/python --no-deps \
    ./libs/common ./services/intake ./services/routing ./services/notify ./services/reporting

FROM python:3.12.8-slim-bookworm
RUN groupadd --gid 10001 pasokh && useradd --uid 10001 --gid 10001 --no-create-home pasokh \
    && install -d -o pasokh -g pasokh /files
COPY --from=build /opt/pasokh /opt/pasokh
ENV PATH=/opt/pasokh/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PASOKH_HOST=0.0.0.0 PASOKH_PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["intake"]
