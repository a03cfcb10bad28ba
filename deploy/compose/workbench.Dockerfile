# Keys for development, and the SMS sandbox; never for production.
FROM python:3.12.8-slim-bookworm
RUN pip install --no-cache-dir uv==0.13.9 && groupadd --gid 10001 pasokh \
    && useradd --uid 10001 --gid 10001 --no-create-home pasokh && install -d -o pasokh -g pasokh /keys /ledger
WORKDIR /src
COPY requirements.service.lock ./
RUN uv pip sync --system --require-hashes requirements.service.lock
COPY libs libs
RUN uv pip install --system --no-deps ./libs/common ./libs/workbench
USER 10001:10001
