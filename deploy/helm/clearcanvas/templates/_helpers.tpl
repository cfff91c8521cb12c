{{- define "clearcanvas.labels" -}}
app.kubernetes.io/name: clearcanvas
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Which pods: call with (dict "root" $ "part" "api"). */}}
{{- define "clearcanvas.selector" -}}
app.kubernetes.io/name: clearcanvas
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "clearcanvas.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "clearcanvas.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Plain settings and secrets as environment: call with (dict "settings" … "keys" …). */}}
{{- define "clearcanvas.environment" -}}
{{- range $name, $value := .settings }}
- name: CLEARCANVAS_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
# The image names a SQLite file; an empty value takes that back.
- name: CLEARCANVAS_DATABASE_URL
  value: ""
{{- range .keys }}
- name: CLEARCANVAS_{{ upper . }}_FILE
  value: /run/secrets/clearcanvas/{{ . }}
{{- end }}
{{- end }}

{{/* The keys of the Secret that a pod mounts: call with (dict "root" $ "keys" …). */}}
{{- define "clearcanvas.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ .root.Values.secrets.name }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}

{{- define "clearcanvas.apiSettings" -}}
{{- $runners := printf "http://%s-runner:3100" .Release.Name -}}
{{- $set := dict "PUBLIC_URL" (printf "https://%s" .Values.host) "RUNNER__ADDRESSES" $runners "TRUSTED_PROXIES" (join "," .Values.trustedProxies) "METRICS_PORT" .Values.api.metricsPort -}}
{{- merge $set .Values.settings | toJson -}}
{{- end }}
