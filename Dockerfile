# docker build -t cerebbids .                                      for CPUs
# docker build --build-arg TORCH=cu126 -t cerebbids:cu126 .        for GPUs, too
#
# A site with a certificate authority or wheels of its own mounts them and says where (PIP_CERT, PIP_FIND_LINKS);
# tests/container/build.sh does both.

ARG BASE=debian:bookworm-slim@sha256:7b140f374b289a7c2befc338f42ebe6441b7ea838a042bbd5acbfca6ec875818

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS build
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3-venv
ARG PIP_CERT
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/cerebbids
WORKDIR /src
COPY pyproject.toml constraints.txt ./
# The libraries for GPUs are left to PyTorch, which asks for exact versions: other ones for each of its builds.
RUN grep -Ev '^(cuda|nvidia|triton)' constraints.txt > pinned.txt \
    && python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
       > required.txt
ARG TORCH=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH}
RUN /opt/cerebbids/bin/pip install --extra-index-url "${TORCH_INDEX}" --constraint pinned.txt --requirement required.txt \
    && /opt/cerebbids/bin/pip list --format freeze | grep "^torch==.*+${TORCH}$"
COPY . .
RUN /opt/cerebbids/bin/pip install --no-deps . \
    && /opt/cerebbids/bin/pip check \
    && /opt/cerebbids/bin/cerebbids-predict --self-test \
    && /opt/cerebbids/bin/python -c "from pathlib import Path; from cerebbids.cli.environment import make_templateflow; \
       make_templateflow(Path('/opt/templateflow'))" \
    && /opt/cerebbids/bin/pip uninstall --yes pip

FROM python
COPY --from=build /opt /opt
ARG VERSION=0.6.0
ARG REVISION=unknown
ENV PATH=/opt/cerebbids/bin:/usr/local/bin:/usr/bin:/bin \
    LC_ALL=C.UTF-8 \
    PYTHONNOUSERSITE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TEMPLATEFLOW_HOME=/opt/templateflow \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    CEREBBIDS_DOCKER_TAG=${VERSION}
LABEL org.opencontainers.image.title="cerebbids" \
      org.opencontainers.image.description="A BIDS-App that segments the human cerebellum" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-NC-SA-4.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /tmp
ENTRYPOINT ["/opt/cerebbids/bin/cerebbids"]
