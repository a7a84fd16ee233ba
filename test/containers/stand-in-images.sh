#!/bin/bash
# Stand-ins for the public images of Dockerfile and docker-compose.yml, where no registry of images can be reached: Debian's
# packages, and PostgreSQL from npm with as much of the public entrypoint as the compose file relies on. They prove that our own
# files work, not that the public images do. There is none for Grafana, which Debian does not have.
#
#   . DIR/env; stand-in-images.sh BUILD_BASE [MAJOR…]
#
# BUILD_BASE is called as `BUILD_BASE IMAGE PACKAGE…` and makes a minimal Debian with these packages. Needs an engine on
# DOCKER_HOST and the npm packages of the majors (18 without any).
set -euo pipefail
build_base=$1
shift
[ $# -gt 0 ] || set -- 18
here=$(cd "$(dirname "$0")" && pwd)
packages=$here/../../node_modules
case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOCKER_BUILDKIT=0

bash "$build_base" node:24-bookworm-slim libstdc++6
# the packages come from where this machine gets its own, behind the same certificates
cp "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" "$work/certificates"
docker build --quiet --tag node:24-bookworm-slim --file - "$work" <<'D'
FROM node:24-bookworm-slim
COPY certificates /etc/ssl/larder-build.crt
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/larder-build.crt
D
bash "$build_base" larder-stand-in:bookworm libstdc++6 locales postgresql-client-15 wget
for major in "$@"; do
  cp -R "$(readlink -f "$packages/embedded-postgres-$major-$arch")/native" "$work/$major"
  cp "$here/stand-in-entrypoint.sh" "$work/"
  data=/var/lib/postgresql/data
  [ "$major" -lt 18 ] || data=/var/lib/postgresql/$major/docker
  volume=$data
  [ "$major" -lt 18 ] || volume=/var/lib/postgresql
  docker build --quiet --tag "postgres:$major-bookworm" --file - "$work" <<D
FROM larder-stand-in:bookworm
RUN groupadd --system --gid 999 postgres \
 && useradd --system --gid postgres --uid 999 --home-dir /var/lib/postgresql postgres \
 && install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql $volume \
 && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql \
 && mkdir /docker-entrypoint-initdb.d
COPY $major /usr/lib/postgresql/$major
COPY stand-in-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=\$PATH:/usr/lib/postgresql/$major/bin PGDATA=$data
VOLUME $volume
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
D
done

bash "$build_base" larder-stand-in:monitoring prometheus prometheus-alertmanager wget
image_of() { # the tag that the compose file names
  grep -om1 "prom/$1:[^ ]*" "$here/../../docker-compose.yml"
}
docker build --quiet --tag "$(image_of prometheus)" - <<'D'
FROM larder-stand-in:monitoring
RUN install --directory --owner nobody --group nogroup /prometheus
USER nobody
ENTRYPOINT ["/usr/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
D
docker build --quiet --tag "$(image_of alertmanager)" - <<'D'
FROM larder-stand-in:monitoring
RUN install --directory --owner nobody --group nogroup /alertmanager
USER nobody
ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
D
