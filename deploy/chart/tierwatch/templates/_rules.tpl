{{- /*
The groups of `tierwatch print rules`. What they say stands in files/rules.yaml, written from the daemon's own rules; here
are only the tiers' figures, links and what the values override. tests/real/chart compares the two for many configurations.
*/ -}}
{{- define "tierwatch.rules" -}}
{{- $data := .Files.Get "files/rules.yaml" | fromYaml -}}
{{- $tiers := .Values.config.tiers -}}
{{- $urgencies := list -}}
{{- range $urgency := list "page" "ticket" "none" -}}
{{- $has := false -}}
{{- range $tier := $tiers -}}{{- if eq ($tier.urgency | default "ticket") $urgency -}}{{- $has = true -}}{{- end -}}{{- end -}}
{{- if $has -}}{{- $urgencies = append $urgencies $urgency -}}{{- end -}}
{{- end -}}
{{- $budget := $data.recording -}}
{{- range $name, $tier := $tiers -}}
{{- range $burn := index $data.burns ($tier.urgency | default "ticket") -}}
{{- with include "tierwatch.burn" (dict "name" $name "tier" $tier "burn" $burn) | fromYaml -}}
{{- $budget = append $budget . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $conditions := list -}}
{{- range $rule := index $data.tiers (join "-" $urgencies) -}}
{{- $conditions = append $conditions (merge (dict "expr" $rule.expr "labels" (merge (dict "severity" $rule.severity) (index $data.alerts $rule.alert).labels)) (index $data.alerts $rule.alert)) -}}
{{- end -}}
{{- $keep := include "tierwatch.keep" . -}}
{{- $links := include "tierwatch.links" . | fromYaml -}}
{{- range $group := list (list "tierwatch-start-budget" $budget) (list "tierwatch-tiers" $conditions) (list "tierwatch-self" $data.own) }}
- name: {{ first $group }}
  rules:
  {{- range $rule := last $group }}
  {{- with include "tierwatch.rule" (dict "root" $ "rule" $rule "keep" $keep "links" $links) | fromYaml }}
  {{- toYaml (list .) | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* One rule with its links and overrides; nothing for one that is switched off. */ -}}
{{- define "tierwatch.rule" -}}
{{- $own := dict -}}
{{- if .rule.alert -}}{{- $own = index .root.Values.prometheusRule.alerts .rule.alert | default dict -}}{{- end -}}
{{- if not (and (hasKey $own "enabled") (not $own.enabled)) -}}
{{- $rule := deepCopy .rule -}}
{{- if .rule.alert -}}
{{- if eq ($rule.keep_firing_for | default "") "%KEEP%" -}}{{- $_ := set $rule "keep_firing_for" .keep -}}{{- end -}}
{{- $texts := dict -}}
{{- range $name, $text := $rule.annotations -}}
{{- range $place, $link := $.links -}}{{- $text = replace $place $link $text -}}{{- end -}}
{{- if $text -}}{{- $_ := set $texts $name $text -}}{{- end -}}
{{- end -}}
{{- if not (index .links "%GRAFANA%") -}}{{- $_ := set $texts "dashboard_url" $texts.page_url -}}{{- end -}}
{{- $_ := set $rule "annotations" (merge (dict) ($own.annotations | default dict) $texts) -}}
{{- $severity := dict -}}
{{- with $own.severity -}}{{- $_ := set $severity "severity" . -}}{{- end -}}
{{- $_ := set $rule "labels" (merge $severity ($own.labels | default dict) .root.Values.prometheusRule.alertLabels $rule.labels) -}}
{{- with index $own "for" -}}{{- $_ := set $rule "for" . -}}{{- end -}}
{{- end -}}
{{- toYaml $rule -}}
{{- end -}}
{{- end -}}

{{- /* One pair of windows for one tier; nothing where it could never fire, or would say less than the objective itself. */ -}}
{{- define "tierwatch.burn" -}}
{{- $objective := .tier.objective | default dict -}}
{{- $window := include "tierwatch.seconds" ($objective.window | default "30d") | float64 -}}
{{- $target := $objective.target | default 0.95 | float64 -}}
{{- $factor := divf (mulf .burn.budget $window) .burn.long -}}
{{- $limit := mulf $factor (subf 1.0 $target) -}}
{{- if and (ge $factor 1.0) (lt $limit 1.0) -}}
{{- $limit = round $limit 6 -}}
{{- $least := 20 -}}
{{- if not (kindIs "invalid" $objective.min_jobs) -}}{{- $least = max 1 (int64 $objective.min_jobs) -}}{{- end -}}
{{- $least = max $least (add 1 (floor (divf 3.0 $limit) | int64)) -}}
{{- $figures := dict
  "%TIER%" .name
  "%LIMIT%" (include "tierwatch.number" $limit)
  "%LEAST%" (toString $least)
  "%FACTOR%" (include "tierwatch.number" (round $factor 1))
  "%TARGET%" (include "tierwatch.number" (round (mulf 100.0 $target) 6))
  "%WITHIN%" (include "tierwatch.promql" (include "tierwatch.seconds" ($objective.start_within | default "2m") | float64))
  "%WINDOW%" (include "tierwatch.promql" $window)
-}}
{{- $text := toJson .burn.rule -}}
{{- range $place, $figure := $figures -}}{{- $text = replace $place $figure $text -}}{{- end -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{- /* How long an alert is told on: two polls, two minutes at least, so that one failed poll ends nothing. */ -}}
{{- define "tierwatch.keep" -}}
{{- $queue := include "tierwatch.seconds" ((.Values.config.gitlab.queue | default dict).interval | default "15s") | float64 -}}
{{- $runners := include "tierwatch.seconds" ((.Values.config.gitlab.runners | default dict).interval | default "1m") | float64 -}}
{{- include "tierwatch.promql" (maxf 120.0 (mulf 2.0 $queue) (mulf 2.0 $runners)) -}}
{{- end -}}

{{- /* What the links of an alert begin with. */ -}}
{{- define "tierwatch.links" -}}
{{- $links := (include "tierwatch.config" . | fromYaml).links -}}
{{- $tierwatch := trimSuffix "/" $links.tierwatch -}}
{{- $runbooks := "" -}}
{{- range $name, $tier := .Values.config.tiers -}}
{{- with $tier.runbook_url -}}
{{- $runbooks = printf "%s{{ if eq $labels.tier \"%s\" }}%s{{ end }}" $runbooks $name . -}}
{{- end -}}
{{- end -}}
{{- /* What a daemon that is down cannot serve stands where its source is. */ -}}
{{- $down := printf "%s/-/blob/v%s/docs/runbooks/TierwatchDown.md" (first .Chart.Sources) .Chart.AppVersion -}}
{{- with $links.runbooks -}}{{- $down = printf "%s/TierwatchDown" (trimSuffix "/" .) -}}{{- end -}}
{{- dict
  "%RUNBOOK_OF_DOWN%" $down
  "%TIERWATCH%" $tierwatch
  "%RUNBOOKS%" ($links.runbooks | default (printf "%s/runbooks" $tierwatch) | trimSuffix "/")
  "%GRAFANA%" ($links.grafana | default "" | trimSuffix "/")
  "%TIER_RUNBOOKS%" $runbooks
  | toYaml -}}
{{- end -}}
