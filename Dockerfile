# syntax=docker/dockerfile:1
# flowtap in a container, as a user who is not root: docs/install.md tells how to run it and why it is made so.
#
#   docker build -t flowtap .
#   docker run --rm --cap-drop=ALL --cap-add=NET_RAW --network host flowtap -p 8000
ARG NODE=22

FROM node:${NODE}-bookworm-slim AS build
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ libpcap-dev make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npx tsc -p tsconfig.build.json \
  && node scripts/bundle-command.mjs \
  && npm pack --ignore-scripts --pack-destination /tmp
# The addon is built for the libpcap of this image, with the headers that are here.
WORKDIR /opt/flowtap
RUN npm install --prefix . --omit=dev --no-audit --no-fund /tmp/flowtap-*.tgz \
  && node node_modules/flowtap/scripts/build-addon.mjs \
  && find node_modules/flowtap/build -type f ! -name flowtap.node -delete \
  && rm -rf node_modules/flowtap/docs node_modules/flowtap/native node_modules/node-addon-api

FROM node:${NODE}-bookworm-slim
LABEL org.opencontainers.image.title="flowtap" \
  org.opencontainers.image.description="Tap HTTP off the wire" \
  org.opencontainers.image.licenses="MIT"
# What a user who is not root gets of the container's capabilities: those of the file that is executed. All of them must be among
# the container's, else nothing starts. NET_RAW is enough to capture.
ARG CAPABILITIES=cap_net_raw
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends libcap2-bin libpcap0.8 \
  && cp /usr/local/bin/node /usr/local/bin/flowtap-node \
  && setcap "${CAPABILITIES}=ep" /usr/local/bin/flowtap-node \
  && apt-get purge -y --auto-remove libcap2-bin \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/flowtap /opt/flowtap
# The command starts that Node itself: with another program in between the capability would be gone under no_new_privs.
RUN sed -i '1s|.*|#!/usr/local/bin/flowtap-node|' /opt/flowtap/node_modules/flowtap/dist/cli/main.js \
  && chmod 755 /opt/flowtap/node_modules/flowtap/dist/cli/main.js \
  && ln -s /opt/flowtap/node_modules/flowtap/dist/cli/main.js /usr/local/bin/flowtap
# A number, so that runAsNonRoot can be checked.
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/flowtap"]
