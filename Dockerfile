# docker build -t cerebbids .                                      for CPUs
# docker build --build-arg TORCH=cu126 -t cerebbids:cu126 .        for GPUs, too
#
# A site with a certificate authority or a folder of wheels of its own mounts them (--volume of buildah and podman) and
# says where (PIP_CERT, PIP_FIND_LINKS): tests/container/build.sh does.

ARG BASE=debian:bookworm-slim@sha256:7b140f374b289a7c2befc338f42ebe6441b7ea838a042bbd5acbfca6ec875818

FROM ${BASE} AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

FROM base AS dependencies
RUN test "$(uname -m)" = x86_64 || { echo "ANTs has no wheels for $(uname -m): build with --platform linux/amd64"; exit 1; }
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3-venv
ARG PIP_CERT
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Debian's pip cannot read some of the names in PyTorch's index.
RUN python3 -m venv /tools && /tools/bin/pip install pip==26.3 && python3 -m venv --without-pip /opt/cerebbids
WORKDIR /src
COPY pyproject.toml constraints.txt ./
# The libraries for GPUs are left to PyTorch, which asks for exact versions: other ones for each of its builds.
RUN grep -Ev '^(cuda|nvidia|triton)' constraints.txt > pinned.txt \
    && python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
       > required.txt
ARG TORCH=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH}
RUN pip="/tools/bin/pip --python /opt/cerebbids/bin/python3" \
    && $pip install --extra-index-url "${TORCH_INDEX}" --constraint pinned.txt --requirement required.txt \
    && { $pip freeze | grep "^torch==.*+${TORCH}$" || { echo "No PyTorch for ${TORCH} in ${TORCH_INDEX}"; exit 1; }; } \
    && $pip check

FROM dependencies AS package
ARG PIP_CERT
ARG PIP_FIND_LINKS
COPY . .
RUN PIP_CONSTRAINT=/src/pinned.txt /tools/bin/pip --python /opt/cerebbids/bin/python3 install --no-deps --prefix /opt/package .

FROM base
COPY --from=dependencies /opt/cerebbids /opt/cerebbids
COPY --from=package /opt/package /opt/cerebbids
ARG VERSION=0.8.0
ARG TAG=${VERSION}
ARG REVISION=unknown
ENV PATH=/opt/cerebbids/bin:/usr/local/bin:/usr/bin:/bin \
    LC_ALL=C.UTF-8 \
    PYTHONNOUSERSITE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TEMPLATEFLOW_HOME=/opt/templateflow \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    CEREBBIDS_DOCKER_TAG=${TAG}
RUN cerebbids-predict --self-test \
    && python3 -c "from pathlib import Path; from cerebbids.cli.environment import make_templateflow; \
       make_templateflow(Path('${TEMPLATEFLOW_HOME}'))"
LABEL org.opencontainers.image.title="cerebbids" \
      org.opencontainers.image.description="A BIDS-App that segments the human cerebellum" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-NC-SA-4.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /tmp
ENTRYPOINT ["/opt/cerebbids/bin/cerebbids"]
