# Larder beside one major version of PostgreSQL, whose server binaries prove restores:
#
#   docker build --build-arg POSTGRES_MAJOR=17 --tag larder:17 .
#   docker run --rm larder:17 --help
#
# It runs with a read-only root file system, without capabilities, and under any uid: as 999, which is postgres in the public
# image too, or as another one of group 0, which is what `--user 12345` gives.
ARG DEBIAN=bookworm
ARG POSTGRES_MAJOR=18

FROM node:24-${DEBIAN}-slim AS packages
WORKDIR /opt/larder
COPY package.json package-lock.json .npmrc ./
# the servers and the Node of the npm packages are not needed: the image has both
RUN node -e 'const p = require("./package.json"); delete p.optionalDependencies; require("fs").writeFileSync("package.json", JSON.stringify(p))' \
 && npm install --no-save --ignore-scripts --omit=dev --loglevel=error

FROM packages AS build
RUN npm install --no-save --ignore-scripts --include=dev --loglevel=error
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run --silent build

# Of the public server image, without what starts a database from it and without its just-in-time compiler (a quarter of it):
# the server goes on without when the library is not there.
FROM postgres:${POSTGRES_MAJOR}-${DEBIAN} AS server
USER root
RUN rm -rf /usr/local/bin/gosu /usr/local/bin/docker-e* /docker-entrypoint-initdb.d \
      /usr/lib/postgresql/*/lib/bitcode /usr/lib/postgresql/*/lib/llvmjit* /usr/lib/*/libLLVM* \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
COPY LICENSE package.json /opt/larder/
COPY scripts /opt/larder/scripts
COPY config /opt/larder/config
COPY deploy/container /opt/larder/deploy/container
COPY --from=packages /opt/larder/node_modules /opt/larder/node_modules
COPY --from=build /opt/larder/dist /opt/larder/dist
ARG POSTGRES_MAJOR
# proves that both run here; a missing library ends the build and not a restore
RUN ln -s /opt/larder/scripts/larder /usr/local/bin/larder \
 && larder --version \
 && "/usr/lib/postgresql/${POSTGRES_MAJOR}/bin/postgres" --version \
 && rm -rf /opt/larder/node_modules/.cache

# Flattened, since a base image's VOLUME cannot be taken back: the server's would give every container a volume of its own.
FROM scratch
COPY --from=server / /
ARG POSTGRES_MAJOR
LABEL org.opencontainers.image.title="Larder" \
      org.opencontainers.image.description="PostgreSQL ${POSTGRES_MAJOR} backups that never say ok when they are not" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    NODE_ENV=production \
    LARDER_STATE_DIR=/var/lib/larder/state \
    LARDER_REPORT_RESULTS=/var/lib/larder/state/backup-test-results.md
# BACKUP_DIR is not set, since it would be an error beside a file with several clusters; its default lies below this
WORKDIR /var/lib/larder
# the way to both is open to all, for uids that bring directories of their own
RUN install --directory --owner 999 --group 0 --mode 0770 backups state
VOLUME ["/var/lib/larder/backups", "/var/lib/larder/state"]
EXPOSE 9847
USER 999
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "/opt/larder/deploy/container/healthcheck.mjs"]
ENTRYPOINT ["larder"]
CMD ["daemon"]
