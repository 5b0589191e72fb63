{{- /*
The rights that the configuration needs, as YAML: namespace → rules of its Role. What is needed where stands in
files/rights.yaml, written from the daemon's own declaration; here is only which namespace is what.
*/ -}}
{{- define "tierwatch.roles" -}}
{{- $rights := .Files.Get "files/rights.yaml" | fromYaml -}}
{{- $roles := dict -}}
{{- $secrets := dict -}}
{{- if include "tierwatch.watchesCluster" . -}}
{{- range $tier := .Values.config.tiers -}}
{{- range $namespace := $tier.namespaces -}}
{{- $_ := set $roles $namespace (concat (get $roles $namespace | default list) $rights.job_namespace) -}}
{{- end -}}
{{- range $namespace := $tier.manager_namespaces | default $tier.namespaces -}}
{{- $_ := set $roles $namespace (concat (get $roles $namespace | default list) $rights.manager_namespace) -}}
{{- with ($tier.token | default dict).secret -}}
{{- $_ := set $secrets $namespace (append (get $secrets $namespace | default list) . | uniq | sortAlpha) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $namespace, $names := $secrets -}}
{{- range $rule := $rights.token_secret -}}
{{- $_ := set $roles $namespace (append (get $roles $namespace) (merge (dict "resourceNames" $names) $rule)) -}}
{{- end -}}
{{- end -}}
{{- if include "tierwatch.watchesNodes" . -}}
{{- range $namespace, $rules := $rights.node_events -}}
{{- $_ := set $roles $namespace (concat (get $roles $namespace | default list) $rules) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $namespace, $rules := $roles -}}
{{- $_ := set $roles $namespace (uniq $rules) -}}
{{- end -}}
{{- toYaml $roles -}}
{{- end -}}

{{- define "tierwatch.clusterRules" -}}
{{- if include "tierwatch.watchesNodes" . -}}
{{- toYaml (.Files.Get "files/rights.yaml" | fromYaml).cluster -}}
{{- end -}}
{{- end -}}

{{- /* The rules of the Role on the Lease of a standby: the only ones that write. */ -}}
{{- define "tierwatch.leaseRules" -}}
{{- if include "tierwatch.standsBy" . -}}
{{- toYaml (.Files.Get "files/rights.yaml" | fromYaml).lease | replace "%LEASE%" (include "tierwatch.lease" .) -}}
{{- end -}}
{{- end -}}

{{- /* A Role and its binding to the release's account: (dict "root" $ "name" "…" "namespace" "…" "rules" "YAML"); without a namespace a ClusterRole. */ -}}
{{- define "tierwatch.granted" -}}
{{- $metadata := include "tierwatch.metadata" (dict "root" .root "name" .name "namespace" .namespace "clusterScoped" (not .namespace)) -}}
{{- $kind := ternary "Role" "ClusterRole" (not (empty .namespace)) -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- $metadata | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "tierwatch.serviceAccount" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
