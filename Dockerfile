# bumper for CI jobs: git over HTTPS and SSH, a shell, no root.
# There is no ENTRYPOINT: GitLab's runner starts a job's script with the image's shell.
FROM python:3.13.11-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml setup.py requirements.txt README.md LICENSE ./
COPY bumper ./bumper
RUN python -m venv /opt/bumper \
    && /opt/bumper/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --requirement requirements.txt \
    && /opt/bumper/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/bumper/bin/pip uninstall --yes --quiet pip setuptools

FROM python:3.13.11-slim-bookworm
# Debian's release is pinned by the base. Its packages are not, because its mirrors drop each version that a security
# fix replaces, and the image could not be built any more.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ca-certificates \
        git \
        openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /bin/bash bumper
COPY --from=build /opt/bumper /opt/bumper
ENV PATH=/opt/bumper/bin:$PATH
# By its number, so that a cluster which demands a user other than root can see that it is one.
USER 10001
WORKDIR /home/bumper
ARG VERSION=unreleased
ARG REVISION=unknown
ARG SOURCE=https://gitlab.example.com/platform/bumper
LABEL org.opencontainers.image.title="bumper" \
    org.opencontainers.image.description="Puts image tags into Helm values by GitLab merge request, and changes nothing else" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.source="$SOURCE" \
    org.opencontainers.image.documentation="$SOURCE/-/blob/HEAD/docs/README.md"
CMD ["bumper", "--help"]
