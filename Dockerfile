# syntax=docker/dockerfile:1
# One image for the four services, the sinks, provision and the operator's commands: docker-compose.yml names the command.
FROM python:3.11-slim-trixie AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/motcua UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
WORKDIR /source
RUN --mount=type=cache,target=/root/.cache pip install uv==0.13.9
# the locked packages first: a layer that stays while only our own code changes
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache uv sync --locked --no-dev --extra sinks --no-install-project
COPY README.md LICENSE ./
COPY services ./services
COPY shared ./shared
COPY deploy ./deploy
# the wheel is built and installed as one: nothing of /source is needed afterwards
RUN --mount=type=cache,target=/root/.cache uv sync --locked --no-dev --extra sinks --no-editable

FROM python:3.11-slim-trixie
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin motcua \
    && install --directory --owner motcua --group motcua --mode 0700 /var/lib/motcua
COPY --from=build /opt/motcua /opt/motcua
ENV PATH=/opt/motcua/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /
CMD ["motcua", "--help"]
