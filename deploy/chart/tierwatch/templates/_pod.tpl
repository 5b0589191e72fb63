{{- define "tierwatch.pod" -}}
serviceAccountName: {{ include "tierwatch.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- range $name := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $.Values $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with include "tierwatch.spread" . }}
topologySpreadConstraints:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # Reads the mounted Secrets (mode 0440) and writes to the volume.
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- if include "tierwatch.checksItself" . }}
initContainers:
  - name: check
    {{- include "tierwatch.program" . | nindent 4 }}
    args:
      - check
      - --offline
      {{- include "tierwatch.where" . | nindent 6 }}
    # `kubectl describe pod` shows what is wrong.
    terminationMessagePolicy: FallbackToLogsOnError
    resources:
      {{- toYaml .Values.check.resources | nindent 6 }}
{{- end }}
containers:
  - name: tierwatch
    {{- include "tierwatch.program" . | nindent 4 }}
    args:
      {{- include "tierwatch.args" . | nindent 6 }}
    ports:
      - name: http
        containerPort: 10471
        protocol: TCP
      {{- if .Values.webhook.enabled }}
      - name: webhook
        containerPort: 10472
        protocol: TCP
      {{- end }}
    # A first complete answer may take a minute and more of requests; to be alive takes milliseconds.
    startupProbe:
      {{- include "tierwatch.probe" (list . "/livez") | nindent 6 }}
      periodSeconds: 1
      failureThreshold: 60
    # Only a daemon that hangs is restarted, never one that cannot reach GitLab: that would lose what it knows.
    livenessProbe:
      {{- include "tierwatch.probe" (list . "/livez") | nindent 6 }}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 3
    readinessProbe:
      {{- include "tierwatch.probe" (list . "/readyz") | nindent 6 }}
      periodSeconds: 5
      timeoutSeconds: 5
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
volumes:
  {{- include "tierwatch.volumes" . | nindent 2 }}
{{- end -}}

{{- /* What runs, with which rights and with which files: the same for the daemon and its check. */ -}}
{{- define "tierwatch.program" -}}
image: {{ include "tierwatch.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
volumeMounts:
  {{- include "tierwatch.mounts" . | nindent 2 }}
{{- end -}}

{{- /* Whether an init container looks first. */ -}}
{{- define "tierwatch.checksItself" -}}
{{- if or (eq .Values.check.mode "always") (and (eq .Values.check.mode "rolling") (include "tierwatch.standsBy" .)) -}}true{{- end -}}
{{- end -}}

{{- /* What the values say; else two pods share no node: a node that is gone takes one of them. */ -}}
{{- define "tierwatch.spread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if include "tierwatch.standsBy" . -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: DoNotSchedule
  # Nodes that are cordoned or gone do not count: where one is left, it takes both.
  nodeTaintsPolicy: Honor
  # A roll-out's new pods spread among themselves.
  matchLabelKeys: [pod-template-hash]
  labelSelector:
    matchLabels:
      {{- include "tierwatch.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "tierwatch.args" -}}
- run
{{ include "tierwatch.where" . }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- end -}}

{{- /* Which files are read, and where it listens: the same for the daemon and its check. */ -}}
{{- define "tierwatch.where" -}}
- --config.file=/etc/tierwatch/config/tierwatch.yaml
- --web.listen-address=:10471
{{- if .Values.webConfig.existingSecret }}
- --web.config.file=/etc/tierwatch/web/{{ .Values.webConfig.key }}
{{- end }}
{{- end -}}

{{- define "tierwatch.probe" -}}
httpGet:
  path: {{ index . 1 }}
  port: http
  scheme: {{ ternary "HTTPS" "HTTP" (index . 0).Values.webConfig.tls }}
{{- end -}}

{{- define "tierwatch.mounts" -}}
- name: config
  mountPath: /etc/tierwatch/config
  readOnly: true
- name: gitlab
  mountPath: /etc/tierwatch/gitlab
  readOnly: true
{{- if or .Values.gitlab.caBundle.configMap .Values.gitlab.caBundle.secret }}
- name: gitlab-ca
  mountPath: /etc/tierwatch/gitlab-ca
  readOnly: true
{{- end }}
{{- if .Values.webhook.enabled }}
- name: webhook
  mountPath: /etc/tierwatch/webhook
  readOnly: true
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: web
  mountPath: /etc/tierwatch/web
  readOnly: true
{{- end }}
{{- range .Values.extraMounts }}
- name: extra-{{ .name }}
  mountPath: {{ .mountPath }}
  readOnly: true
{{- end }}
{{- if .Values.state.enabled }}
- name: state
  mountPath: /var/lib/tierwatch
{{- end }}
{{- if include "tierwatch.watchesCluster" . }}
- name: service-account
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- end }}
{{- end -}}

{{- /* Whole Secrets, never by subPath: a new token then reaches the file without a restart. */ -}}
{{- define "tierwatch.volumes" -}}
- name: config
  configMap:
    name: {{ include "tierwatch.fullname" . }}
- name: gitlab
  secret:
    secretName: {{ .Values.gitlab.existingSecret }}
    defaultMode: 288 # 0440
    items:
      - key: {{ .Values.gitlab.tokenKey }}
        path: {{ .Values.gitlab.tokenKey }}
{{- with .Values.gitlab.caBundle }}
{{- if or .configMap .secret }}
- name: gitlab-ca
  {{- include "tierwatch.source" (dict "configMap" .configMap "secret" .secret) | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.webhook }}
{{- if .enabled }}
- name: webhook
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288 # 0440
{{- end }}
{{- end }}
{{- with .Values.webConfig.existingSecret }}
- name: web
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440
{{- end }}
{{- range .Values.extraMounts }}
- name: extra-{{ .name }}
  {{- include "tierwatch.source" . | nindent 2 }}
{{- end }}
{{- if .Values.state.enabled }}
- name: state
  {{- if include "tierwatch.standsBy" . }}
  # Each pod's own: it outlives a crash of the container. Whatever a pod that is gone has counted, the Lease tells the other.
  emptyDir:
    sizeLimit: {{ .Values.state.size }}
  {{- else }}
  persistentVolumeClaim:
    claimName: {{ .Values.state.existingClaim | default (include "tierwatch.fullname" .) }}
  {{- end }}
{{- end }}
{{- if include "tierwatch.watchesCluster" . }}
# What automounting would give, bound to this pod and short-lived.
- name: service-account
  projected:
    defaultMode: 288 # 0440
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3607
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                apiVersion: v1
                fieldPath: metadata.namespace
{{- end }}
{{- end -}}

{{- define "tierwatch.source" -}}
{{- if .secret -}}
secret:
  secretName: {{ .secret }}
  defaultMode: 288 # 0440
{{- else -}}
configMap:
  name: {{ .configMap }}
{{- end -}}
{{- end -}}
