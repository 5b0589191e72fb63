{{- /* What this part is called, and after the release. */ -}}
{{- define "tierwatch.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tierwatch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "tierwatch.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tierwatch.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Never changed by an upgrade: a Deployment's selector is immutable. */ -}}
{{- define "tierwatch.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tierwatch.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The same for kubectl. */ -}}
{{- define "tierwatch.selector" -}}
app.kubernetes.io/name={{ include "tierwatch.name" . }},app.kubernetes.io/instance={{ .Release.Name }}
{{- end -}}

{{- /* Without the chart's version: a new chart alone is no reason for a new pod. */ -}}
{{- define "tierwatch.podLabels" -}}
{{- $own := include "tierwatch.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/version" (.Values.image.tag | default .Chart.AppVersion | trunc 63) -}}
{{- toYaml (merge $own .Values.podLabels .Values.commonLabels) -}}
{{- end -}}

{{- define "tierwatch.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "tierwatch.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" (.Values.image.tag | default .Chart.AppVersion | trunc 63)
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/part-of" "tierwatch"
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end -}}

{{- /* metadata of an object: (dict "root" $ "name" "…" "namespace" "…" "labels" dict "annotations" dict), the last three optional. */ -}}
{{- define "tierwatch.metadata" -}}
{{- $annotations := merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
name: {{ .name }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels:
  {{- toYaml (merge (dict) (include "tierwatch.labels" .root | fromYaml) (.labels | default dict)) | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "tierwatch.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "tierwatch.fullname" .) -}}
{{- end -}}

{{- define "tierwatch.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
