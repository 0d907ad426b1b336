# syntax=docker/dockerfile:1

FROM node:22-bookworm-slim AS base
WORKDIR /app
ENV CI=true

# The same set-up as in a clone. Dependencies first: their layer is kept while only sources change.
FROM base AS build
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
RUN node scripts/setup.mjs --build
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY console console
COPY examples examples
RUN node scripts/setup.mjs --build

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force

FROM node:22-bookworm-slim
ENV NODE_ENV=production
# As process 1, Node would not hear a signal before its first line of code has run; Kubernetes has no init of its own.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY scripts scripts
COPY --from=build /app/dist dist
COPY --from=build /app/examples/dist examples/dist
# A volume mounted on /data takes over its owner.
RUN chmod 755 dist/cli/main.js \
  && ln -s /app/dist/cli/main.js /usr/local/bin/swf-gateway \
  && mkdir /data && chown node:node /data
USER node
EXPOSE 4000 4001 4002 4596
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--"]
CMD ["swf-gateway", "--help"]
