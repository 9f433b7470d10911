{{/* Name of what belongs to the release: the release's own, with the chart's where it does not say so. */}}
{{- define "steelyard.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of a component: (dict "root" $ "component" "api"). What serves them all has no component. */}}
{{- define "steelyard.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{ include "steelyard.selectorLabels" . }}
{{- end -}}

{{- define "steelyard.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "steelyard.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}

{{- define "steelyard.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "steelyard.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* DATABASE_URL, from the Secret that the user names. */}}
{{- define "steelyard.databaseEnv" -}}
{{- $secret := required "database.existingSecret is required: the name of a Secret that holds the URL of PostgreSQL under the key that database.urlKey names (DATABASE_URL)." .Values.database.existingSecret -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ .Values.database.urlKey }} }
{{- end -}}

{{/* What brings events to consumers, and the secret of the broker. */}}
{{- define "steelyard.eventsEnv" -}}
{{- $events := .Values.events -}}
{{- $names := dict "postgres" "" "nats" "NATS_URL" "rabbitmq" "RABBITMQ_URL" "kafka" "KAFKA_SASL_PASSWORD" -}}
{{- $name := get $names $events.transport -}}
- name: EVENTS_TRANSPORT
  value: {{ $events.transport }}
{{- if and (has $events.transport (list "nats" "rabbitmq")) (not $events.existingSecret) }}
{{- fail (printf "events.existingSecret is required with events.transport=%s: the name of a Secret that holds the broker's URL under the key that events.secretKey names (%s)." $events.transport $name) }}
{{- end }}
{{- if and (eq $events.transport "kafka") (not (or (hasKey .Values.config "KAFKA_BROKERS") (hasKey .Values.configFile "KAFKA_BROKERS"))) }}
{{- fail "KAFKA_BROKERS is required, in config or configFile, with events.transport=kafka: host:port of the brokers, divided by commas." }}
{{- end }}
{{- if and $name $events.existingSecret }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ $events.existingSecret }}, key: {{ $events.secretKey | default $name }} }
{{- end }}
{{- end -}}

{{/* What api and worker share. */}}
{{- define "steelyard.env" -}}
{{- $secret := required "secrets.existingSecret is required: the name of a Secret that holds APP_SECRET and SIGNING_KEYS (see values.yaml)." .Values.secrets.existingSecret -}}
- name: NODE_ENV
  value: production
- name: HOST
  value: 0.0.0.0
- name: PORT
  value: '3000'
- name: MANAGEMENT_PORT
  value: '9464'
- name: CONFIG_FILE
  value: /etc/steelyard/steelyard.yaml
- name: DRAIN_DELAY_MS
  value: {{ .Values.shutdown.drainDelayMs | int64 | quote }}
- name: SHUTDOWN_GRACE_MS
  value: {{ .Values.shutdown.graceMs | int64 | quote }}
{{ include "steelyard.databaseEnv" . }}
- name: APP_SECRET
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ .Values.secrets.appSecretKey }} }
- name: SIGNING_KEYS
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ .Values.secrets.signingKeysKey }} }
{{ include "steelyard.eventsEnv" . }}
{{- range $name := .Values.secrets.settings }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ $name }} }
{{- end }}
{{- if not (or (hasKey .Values.config "PAYMENT_GATEWAY") (hasKey .Values.configFile "PAYMENT_GATEWAY")) }}
{{- fail "PAYMENT_GATEWAY is required, in config or configFile: stripe, whose keys secrets.settings names, or sandbox, which takes no money." }}
{{- end }}
{{- range $name, $value := .Values.config }}
{{- if has $name (list "NODE_ENV" "HOST" "PORT" "MANAGEMENT_PORT" "ADMIN_PORT" "CONFIG_FILE" "DRAIN_DELAY_MS" "SHUTDOWN_GRACE_MS" "DATABASE_URL" "APP_SECRET" "SIGNING_KEYS" "EVENTS_TRANSPORT") }}
{{- fail (printf "config.%s cannot be set: the chart sets %s itself, from its other values." $name $name) }}
{{- end }}
{{- if has $name $.Values.secrets.settings }}
{{- fail (printf "config.%s cannot be set: secrets.settings has it from the Secret." $name) }}
{{- end }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Pod settings that all pods share: restricted pod security, no token, where they may run. */}}
{{- define "steelyard.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: { sizeLimit: 256Mi }
{{- end -}}

{{/* The volume and the mount of the ConfigMap of configFile, for api and worker; a directory, so that it is kept up to date. */}}
{{- define "steelyard.configVolume" -}}
- name: config
  configMap: { name: {{ include "steelyard.fullname" . }}-config }
{{- end -}}
{{- define "steelyard.configMount" -}}
- { name: config, mountPath: /etc/steelyard, readOnly: true }
{{- end -}}

{{/* Container settings that all containers share. */}}
{{- define "steelyard.container" -}}
image: {{ include "steelyard.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: tmp, mountPath: /tmp }
{{- end -}}

{{/* Seconds that Kubernetes waits before it kills: the drain, the grace, and time to close what is open. */}}
{{- define "steelyard.terminationGracePeriodSeconds" -}}
{{ add (divf (add .Values.shutdown.drainDelayMs .Values.shutdown.graceMs) 1000 | ceil | int64) 10 }}
{{- end -}}
