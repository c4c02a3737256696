# The images of labs and of the platform, a stage each. Build one with `lab image`, or by hand:
#   docker build --target device --tag usine-ecole-device .
# Behind a proxy with a certificate authority of its own, put its bundle beside this file and name it:
#   --build-arg CA_BUNDLE=company.pem --build-arg HTTPS_PROXY=…
ARG BASE=debian:bookworm-slim

# What every stage stands on: Python and nothing to build with.
FROM ${BASE} AS base
ENV DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /usr/share/doc /usr/share/man /usr/share/locale

# Where packages are fetched and built; nothing of it but /opt/venv goes on.
FROM base AS builder
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv ca-certificates
ARG CA_BUNDLE=certificates.none
COPY ${CA_BUNDLE}* certificates.none /usr/local/share/usine/
RUN if [ -s "/usr/local/share/usine/${CA_BUNDLE}" ]; then \
        cat "/usr/local/share/usine/${CA_BUNDLE}" >> /etc/ssl/certs/ca-certificates.crt; fi
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 \
    UV_NO_CACHE=1 UV_PYTHON=/opt/venv/bin/python UV_PYTHON_DOWNLOADS=never UV_REQUIRE_HASHES=1
COPY requirements-install.txt /tmp/
RUN python3 -m venv --without-pip /opt/venv && python3 -m venv /opt/uv \
    && /opt/uv/bin/pip install --quiet --no-compile --require-hashes -r /tmp/requirements-install.txt
ENV PATH=/opt/uv/bin:$PATH

FROM builder AS device-packages
COPY requirements-device.txt /tmp/
RUN uv pip install --quiet -r /tmp/requirements-device.txt \
    && find /opt/venv -depth -type d -name tests -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 /opt/venv/lib

# A device, or a whole line: the simulators, Mosquitto. Our own code comes last: it changes most.
FROM base AS device-base
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends mosquitto \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /usr/share/doc /usr/share/man /usr/share/locale /etc/mosquitto \
    && groupadd --gid 10000 usine && useradd --uid 10000 --gid usine --no-create-home --shell /usr/sbin/nologin usine \
    && mkdir -p /data /home/student && chown usine:usine /data /home/student
ENV PYTHONPATH=/opt/usine

FROM device-base AS device
COPY --from=device-packages /opt/venv /opt/venv
COPY simulators /opt/usine/simulators
RUN python3 -m compileall -q -j 0 /opt/usine \
    && python3 -m simulators.host opcua-base /opt/usine/opcua-base.bin \
    && python3 -m simulators.host st-tables /opt/usine/st-tables.bin
ENV USINE_OPCUA_BASE=/opt/usine/opcua-base.bin USINE_ST_TABLES=/opt/usine/st-tables.bin
ARG SOURCE=unknown
LABEL org.usine-ecole.role="image" org.usine-ecole.source="${SOURCE}" \
      org.opencontainers.image.title="Usine-École: device" org.opencontainers.image.licenses="Apache-2.0"
USER usine
WORKDIR /data
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python3", "-m", "simulators.host", "check"]
ENTRYPOINT ["python3", "-m", "simulators.host"]
CMD ["part"]

# The student's machine: the tools of the trade, and Python with clients of the line's protocols, which a device has too.
FROM device-packages AS workstation-packages
COPY requirements-workstation.txt /tmp/
RUN uv pip install --quiet -r /tmp/requirements-workstation.txt \
    && find /opt/venv -depth -type d -name tests -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 /opt/venv/lib

FROM device-base AS workstation
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends nmap tshark mbpoll mosquitto-clients curl nano vim-tiny less \
        iproute2 iputils-ping netcat-openbsd procps ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /usr/share/doc /usr/share/man /usr/share/locale
COPY --from=workstation-packages /opt/venv /opt/venv
RUN groupadd --gid 10001 student && useradd --uid 10001 --gid student --no-create-home --home-dir /home/student --shell /bin/bash student
COPY simulators /opt/usine/simulators
RUN python3 -m compileall -q -j 0 /opt/usine
ARG SOURCE=unknown
LABEL org.usine-ecole.role="image" org.usine-ecole.source="${SOURCE}" \
      org.opencontainers.image.title="Usine-École: workstation" org.opencontainers.image.licenses="Apache-2.0"
USER usine
WORKDIR /home/student
ENTRYPOINT ["python3", "-m", "simulators.host"]
CMD ["workstation", "/run/usine/workstation.sock"]

# The platform: everything. Supervisor, pages, probes and attacks; never a student's.
FROM device-packages AS platform-packages
COPY requirements.txt /tmp/
RUN uv pip install --quiet -r /tmp/requirements.txt \
    && find /opt/venv -depth -type d -name tests -exec rm -rf {} + \
    && python3 -m compileall -q -j 0 /opt/venv/lib

FROM platform-packages AS platform-code
COPY pyproject.toml hatch_build.py README.md LICENSE /build/
COPY frontend /build/frontend
COPY web /build/web
COPY scenarios /build/scenarios
COPY lab /build/lab
COPY simulators /build/simulators
RUN cd /build && USINE_ASSETS=require uv build --quiet --wheel --build-constraints /tmp/requirements.txt --out-dir /tmp/wheel . \
    && UV_REQUIRE_HASHES=0 uv pip install --quiet --no-deps --target /opt/usine /tmp/wheel/*.whl \
    && python3 -m compileall -q -j 0 /opt/usine

FROM base AS platform
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends mosquitto iptables \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /usr/share/doc /usr/share/man /usr/share/locale /etc/mosquitto \
    && groupadd --gid 10000 usine && useradd --uid 10000 --gid usine --no-create-home --shell /usr/sbin/nologin usine
ENV PYTHONPATH=/opt/usine PATH=/opt/usine/bin:/opt/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
COPY --from=platform-packages /opt/venv /opt/venv
COPY --from=platform-code /opt/usine /opt/usine
ARG SOURCE=unknown
LABEL org.usine-ecole.role="image" org.usine-ecole.source="${SOURCE}" \
      org.opencontainers.image.title="Usine-École: platform" org.opencontainers.image.licenses="Apache-2.0"
USER usine
CMD ["lab", "--help"]

# PostgreSQL from Debian, for where no registry answers: what the official image is told (POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_DB, PGDATA), this one is told too. Without the compiler that speeds up queries far larger than ours.
FROM base AS postgresql
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-common tzdata \
    && sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf \
    && apt-get install -y -qq --no-install-recommends postgresql \
    && mkdir -p /opt/root/usr/lib /opt/root/usr/share /opt/root/usr/local/bin \
    && cp -a /usr/lib/postgresql /opt/root/usr/lib/ && cp -a /usr/share/postgresql /usr/share/zoneinfo /opt/root/usr/share/ \
    && cd /opt/root/usr/lib/postgresql/* && rm -rf lib/bitcode lib/llvmjit* \
    && ldd bin/* lib/*.so | awk '/=> \//{print $3}' | grep -v -E '/(libc|libm|libdl|libpthread|librt|libresolv)\.' | sort -u \
        | while read -r library; do \
            folder="/opt/root$(readlink -f "$(dirname "$library")")"; mkdir -p "$folder"; cp -L "$library" "$folder/"; done \
    && ln -s "$(pwd | sed 's|/opt/root||')"/bin/* /opt/root/usr/local/bin/

FROM ${BASE} AS database
COPY --from=postgresql /opt/root/usr /usr
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres --no-create-home --shell /usr/sbin/nologin postgres \
    && mkdir -p /var/lib/postgresql/data && chown postgres:postgres /var/lib/postgresql/data
COPY lab/compose/database.sh /usr/local/bin/usine-database
ARG SOURCE=unknown
LABEL org.usine-ecole.role="image" org.usine-ecole.source="${SOURCE}" \
      org.opencontainers.image.title="Usine-École: database" org.opencontainers.image.licenses="PostgreSQL"
ENV PGDATA=/var/lib/postgresql/data/cluster POSTGRES_USER=usine POSTGRES_DB=usine
USER postgres
STOPSIGNAL SIGINT
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["pg_isready", "--quiet"]
CMD ["sh", "/usr/local/bin/usine-database"]
