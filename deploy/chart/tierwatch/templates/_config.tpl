{{- /* The configuration of the daemon: the values, and the paths of what is mounted. */ -}}
{{- define "tierwatch.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "gitlab" (merge (dict "token_file" (printf "/etc/tierwatch/gitlab/%s" .Values.gitlab.tokenKey)) $config.gitlab) -}}
{{- if or .Values.gitlab.caBundle.configMap .Values.gitlab.caBundle.secret -}}
{{- $_ := set $config.gitlab "ca_file" (printf "/etc/tierwatch/gitlab-ca/%s" .Values.gitlab.caBundle.key) -}}
{{- end -}}
{{- if .Values.state.enabled -}}
{{- $_ := set $config "state_file" "/var/lib/tierwatch/state" -}}
{{- end -}}
{{- with .Values.webhook -}}
{{- if .enabled -}}
{{- $webhook := dict "listen_address" ":10472" -}}
{{- if .secretKey -}}{{- $_ := set $webhook "secret_file" (printf "/etc/tierwatch/webhook/%s" .secretKey) -}}{{- end -}}
{{- if .signingTokenKey -}}{{- $_ := set $webhook "signing_token_file" (printf "/etc/tierwatch/webhook/%s" .signingTokenKey) -}}{{- end -}}
{{- $_ := set $config "webhook" $webhook -}}
{{- end -}}
{{- end -}}
{{- if include "tierwatch.standsBy" . -}}
{{- $_ := set $config "high_availability" (merge (dict "namespace" .Release.Namespace "lease_name" (include "tierwatch.lease" .)) $config.high_availability) -}}
{{- end -}}
{{- $links := $config.links | default dict -}}
{{- if not $links.tierwatch -}}
{{- $_ := set $config "links" (merge (dict "tierwatch" (include "tierwatch.url" .)) $links) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* Where the pages are when nobody says otherwise: the Service. */ -}}
{{- define "tierwatch.url" -}}
{{- printf "%s://%s.%s:%d" (ternary "https" "http" .Values.webConfig.tls) (include "tierwatch.fullname" .) .Release.Namespace (int .Values.service.port) -}}
{{- end -}}

{{- /* Whether anything is asked of the cluster. The binary's default is true. */ -}}
{{- define "tierwatch.watchesCluster" -}}
{{- $kubernetes := .Values.config.kubernetes | default dict -}}
{{- if not (and (hasKey $kubernetes "enabled") (eq (toString $kubernetes.enabled) "false")) -}}true{{- end -}}
{{- end -}}

{{- define "tierwatch.watchesNodes" -}}
{{- $kubernetes := .Values.config.kubernetes | default dict -}}
{{- if and (include "tierwatch.watchesCluster" .) (not (and (hasKey $kubernetes "cluster_scoped") (eq (toString $kubernetes.cluster_scoped) "false"))) -}}true{{- end -}}
{{- end -}}

{{- /* Whether there are two, of which one stands by. */ -}}
{{- define "tierwatch.standsBy" -}}
{{- if (.Values.config.high_availability | default dict).enabled -}}true{{- end -}}
{{- end -}}

{{- /* The Lease by which they agree: after the release, so that two releases of one namespace have two. */ -}}
{{- define "tierwatch.lease" -}}
{{- (.Values.config.high_availability | default dict).lease_name | default (include "tierwatch.fullname" .) -}}
{{- end -}}

{{- /* What the schema cannot say: one error for all that is wrong. */ -}}
{{- define "tierwatch.check" -}}
{{- $wrong := list -}}
{{- if not .Values.gitlab.existingSecret -}}
{{- $wrong = append $wrong "gitlab.existingSecret: is missing; name the Secret that holds the API token" -}}
{{- end -}}
{{- if not .Values.config.gitlab.url -}}
{{- $wrong = append $wrong "config.gitlab.url: is missing; write GitLab's address, e.g. https://gitlab.example.com" -}}
{{- end -}}
{{- if not .Values.config.tiers -}}
{{- $wrong = append $wrong "config.tiers: is missing; name the tiers, e.g. standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard] }" -}}
{{- end -}}
{{- if and .Values.gitlab.caBundle.configMap .Values.gitlab.caBundle.secret -}}
{{- $wrong = append $wrong "gitlab.caBundle: name a configMap or a secret, not both" -}}
{{- end -}}
{{- with .Values.webhook -}}
{{- if .enabled -}}
{{- if not .existingSecret -}}{{- $wrong = append $wrong "webhook.existingSecret: is missing; name the Secret with the hook's secret token or signing token" -}}{{- end -}}
{{- if not (or .secretKey .signingTokenKey) -}}{{- $wrong = append $wrong "webhook.secretKey: is missing; name the Secret's key with the hook's secret token, or set webhook.signingTokenKey" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.webhook.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.webhook) -}}
{{- $wrong = append $wrong "networkPolicy.webhook: is empty, and webhook.enabled is true; name who sends hooks, e.g. the namespace of the ingress controller, or set networkPolicy.enabled to false" -}}
{{- end -}}
{{- if and .Values.webConfig.tls (not .Values.webConfig.existingSecret) -}}
{{- $wrong = append $wrong "webConfig.existingSecret: is missing, and webConfig.tls is true; name the Secret with the web configuration" -}}
{{- end -}}
{{- if and (.Values.config.web | default dict).metrics_only_users (not .Values.webConfig.existingSecret) -}}
{{- $wrong = append $wrong "webConfig.existingSecret: is missing, and config.web.metrics_only_users names users; name the Secret with the web configuration that has their passwords" -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled .Values.config.alertmanager -}}
{{- $wrong = append $wrong "prometheusRule.enabled: config.alertmanager is set, so tierwatch itself tells Alertmanager, and everybody would be told twice; remove one of the two" -}}
{{- end -}}
{{- if include "tierwatch.standsBy" . -}}
{{- if not (include "tierwatch.watchesCluster" .) -}}
{{- $wrong = append $wrong "config.high_availability.enabled: is on, but config.kubernetes.enabled is false: the Lease is an object of Kubernetes; switch one of the two" -}}
{{- end -}}
{{- range $key := list "existingClaim" "storageClassName" "annotations" -}}
{{- if and $.Values.state.enabled (index $.Values.state $key) -}}
{{- $wrong = append $wrong (printf "state.%s: is of one claim, but with config.high_availability.enabled each of the two pods keeps a state file of its own on an emptyDir; remove it" $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- $wrong = append $wrong "serviceAccount.name: is missing, and serviceAccount.create is false; name the account that exists" -}}
{{- end -}}
{{- range $tier, $it := .Values.config.tiers -}}
{{- if and (include "tierwatch.watchesCluster" $) (not $it.namespaces) -}}
{{- $wrong = append $wrong (printf "config.tiers.%s.namespaces: is missing; name the namespaces of its job pods" $tier) -}}
{{- end -}}
{{- end -}}
{{- range $place := list "extraMounts" -}}
{{- range $mount := index $.Values $place -}}
{{- if eq (empty $mount.configMap) (empty $mount.secret) -}}
{{- $wrong = append $wrong (printf "%s: %s: name a configMap or a secret, one of both" $place $mount.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n  %s" (join "\n  " $wrong)) -}}
{{- end -}}
{{- end -}}
