#!/usr/bin/env bash
# Installs what `.ci/run` uses beside npm's packages, into ${STEELYARD_TOOLS_DIR:-~/.cache/steelyard-tools}.
# Safe to repeat. A tool that cannot be had is reported, and `.ci/run` names the stage that it leaves out.
set -uo pipefail

HELM_VERSION=v4.3.1
KUBECONFORM_VERSION=v0.8.0
KUBERNETES_VERSION=v1.36.3
STRIPE_MOCK_VERSION=v0.203.0
SCHEMATHESIS_VERSION=4.32.5
GITLEAKS_VERSION=v8.30.1
KAFKA_VERSION=4.2.2
MAVEN_DEPENDENCY_PLUGIN_VERSION=3.11.0

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
tools="${STEELYARD_TOOLS_DIR:-$HOME/.cache/steelyard-tools}"
install_timeout_seconds=600
mkdir -p "$tools/bin"

report() { printf '%-20s %s\n' "$1" "$2"; }

# go_tool NAME PACKAGE VERSION: builds a Go program as bin/NAME, kept as bin/NAME@VERSION.
go_tool() {
  local name="$1" package="$2" version="$3" binary="$tools/bin/$1@$3" build
  if [ ! -x "$binary" ]; then
    if ! command -v go >/dev/null; then
      report "$name $version" 'not installed: there is no Go on this machine'
      return
    fi
    build="$(mktemp -d)"
    if ! GOBIN="$build" timeout "$install_timeout_seconds" go install "$package@$version" >"$build/log" 2>&1; then
      report "$name $version" "not installed: $(tail -n 1 "$build/log")"
      rm -rf "$build"
      return
    fi
    mv "$build/$name" "$binary"
    rm -rf "$build"
  fi
  ln -sf "$name@$version" "$tools/bin/$name"
  report "$name $version" "$tools/bin/$name"
}

# The schemas come from the Go module of Kubernetes itself, so that the check asks no site while it runs.
kubernetes_schemas() {
  local directory="$tools/kubernetes-schemas@$KUBERNETES_VERSION" module log
  if [ ! -d "$directory" ]; then
    if ! command -v go >/dev/null || ! command -v node >/dev/null; then
      report "schemas $KUBERNETES_VERSION" 'not installed: needs Go and Node'
      return
    fi
    log="$(mktemp)"
    if ! module="$(timeout "$install_timeout_seconds" \
      go mod download -json "k8s.io/kubernetes@$KUBERNETES_VERSION" 2>"$log" |
      node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).Dir')" ||
      ! node "$root/scripts/kubernetes-schemas.mjs" "$module/api/openapi-spec/swagger.json" "$directory.new" 2>>"$log"; then
      report "schemas $KUBERNETES_VERSION" "not installed: $(tail -n 1 "$log")"
      rm -rf "$directory.new" "$log"
      return
    fi
    mv "$directory.new" "$directory"
    rm -f "$log"
  fi
  ln -sfn "kubernetes-schemas@$KUBERNETES_VERSION" "$tools/kubernetes-schemas"
  report "schemas $KUBERNETES_VERSION" "$tools/kubernetes-schemas"
}

# debian_server PROGRAM PACKAGE: a server of Debian's. Its service is not started: tests run servers of their own.
debian_server() {
  local program="$1" package="$2"
  if ! command -v "$program" >/dev/null; then
    if ! debian_package "$package"; then
      report "$package" "not installed: $reason"
      return
    fi
  fi
  report "$package" "$(command -v "$program")"
}

# debian_package PACKAGE...: installs packages of Debian's; where that fails, `reason` says why.
debian_package() {
  local log
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    reason='this takes Debian and root; or install it yourself'
    return 1
  fi
  log="$(mktemp)"
  if ! { apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive timeout "$install_timeout_seconds" \
    apt-get install --yes --no-install-recommends "$@"; } >"$log" 2>&1; then
    reason="$(tail -n 1 "$log")"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Kafka's own jars and those that they need. They run on Debian's Java; there is no other way to install them here.
kafka() {
  local directory="$tools/kafka@$KAFKA_VERSION" build
  if ! command -v java >/dev/null && ! debian_package default-jre-headless; then
    report "kafka $KAFKA_VERSION" "not installed: there is no Java: $reason"
    return
  fi
  if [ ! -d "$directory" ]; then
    if ! command -v mvn >/dev/null && ! debian_package maven; then
      report "kafka $KAFKA_VERSION" "not installed: there is no Maven: $reason"
      return
    fi
    build="$(mktemp -d)"
    cat >"$build/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>steelyard</groupId>
  <artifactId>kafka-of-the-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$KAFKA_VERSION</version>
    </dependency>
  </dependencies>
</project>
POM
    if ! timeout "$install_timeout_seconds" mvn --batch-mode --quiet --file "$build/pom.xml" \
      "org.apache.maven.plugins:maven-dependency-plugin:$MAVEN_DEPENDENCY_PLUGIN_VERSION:copy-dependencies" \
      -DincludeScope=runtime "-DoutputDirectory=$build/jars" >"$build/log" 2>&1; then
      report "kafka $KAFKA_VERSION" "not installed: $(grep -m 1 ERROR "$build/log")"
      rm -rf "$build"
      return
    fi
    mv "$build/jars" "$directory"
    rm -rf "$build"
  fi
  ln -sfn "kafka@$KAFKA_VERSION" "$tools/kafka"
  report "kafka $KAFKA_VERSION" "$tools/kafka"
}

# The fuzzer, in an environment of its own.
schemathesis() {
  local environment="$tools/schemathesis@$SCHEMATHESIS_VERSION" log
  if [ ! -d "$environment" ]; then
    log="$(mktemp)"
    if ! { python3 -m venv "$environment.new" && timeout "$install_timeout_seconds" \
      "$environment.new/bin/python" -m pip install --quiet "schemathesis==$SCHEMATHESIS_VERSION"; } >"$log" 2>&1; then
      report "schemathesis $SCHEMATHESIS_VERSION" "not installed: $(tail -n 1 "$log")"
      rm -rf "$environment.new" "$log"
      return
    fi
    rm -f "$log"
    mv "$environment.new" "$environment"
  fi
  # Not the program that pip wrote: it names the directory in which it was installed.
  printf '#!/bin/sh\nexec "%s/bin/python" -m schemathesis.cli "$@"\n' "$environment" >"$tools/bin/schemathesis"
  chmod +x "$tools/bin/schemathesis"
  report "schemathesis $SCHEMATHESIS_VERSION" "$tools/bin/schemathesis"
}

go_tool helm helm.sh/helm/v4/cmd/helm "$HELM_VERSION"
go_tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform "$KUBECONFORM_VERSION"
go_tool gitleaks github.com/zricethezav/gitleaks/v8 "$GITLEAKS_VERSION"
go_tool stripe-mock github.com/stripe/stripe-mock "$STRIPE_MOCK_VERSION"
kubernetes_schemas
debian_server redis-server redis-server
debian_server rabbitmq-server rabbitmq-server
debian_server nats-server nats-server
kafka
schemathesis
