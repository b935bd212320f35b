# One image for the service and for the worker: `docker run propriety` and `docker run propriety worker`.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/propriety
# What others wrote comes first: it changes less often than what we write. Everything is held to the hashes of the lock files.
COPY requirements.txt requirements-dev.txt ./
RUN python -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt
# The build backend is not needed at run time, so it stays behind in this stage.
RUN python -m venv /tools && /tools/bin/pip install --require-hashes -r requirements-dev.txt
COPY . .
RUN PYTHONPATH=$(echo /tools/lib/python3*/site-packages) .venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q app migrations

FROM python:3.11-slim
RUN useradd --uid 1000 --create-home propriety && mkdir /data && chown propriety /data
COPY --from=build /srv/propriety /srv/propriety
ENV PATH=/srv/propriety/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PROPRIETY_DATABASE_URL=sqlite:////data/propriety.db
WORKDIR /srv/propriety
USER 1000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["propriety", "health"]
ENTRYPOINT ["propriety"]
CMD ["serve", "--host", "0.0.0.0"]
