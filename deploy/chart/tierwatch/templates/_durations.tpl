{{- /* Seconds of a duration as the daemon reads it: `90s`, `1h 30m`. */ -}}
{{- define "tierwatch.seconds" -}}
{{- $units := dict
  "nanos" 1e-9 "nsec" 1e-9 "ns" 1e-9 "usec" 1e-6 "us" 1e-6 "millis" 0.001 "msec" 0.001 "ms" 0.001
  "seconds" 1 "second" 1 "secs" 1 "sec" 1 "s" 1 "minutes" 60 "minute" 60 "mins" 60 "min" 60 "m" 60
  "hours" 3600 "hour" 3600 "hrs" 3600 "hr" 3600 "h" 3600 "days" 86400 "day" 86400 "d" 86400
  "weeks" 604800 "week" 604800 "wks" 604800 "wk" 604800 "w" 604800
  "months" 2630016 "month" 2630016 "M" 2630016 "years" 31557600 "year" 31557600 "yrs" 31557600 "yr" 31557600 "y" 31557600
-}}
{{- $seconds := 0.0 -}}
{{- range $part := regexFindAll "[0-9]+\\s*[A-Za-z]+" . -1 -}}
{{- $unit := regexFind "[A-Za-z]+" $part -}}
{{- if not (hasKey $units $unit) -}}{{- fail (printf "%s: %s is no unit of a duration" $part $unit) -}}{{- end -}}
{{- $seconds = addf $seconds (mulf (regexFind "[0-9]+" $part) (index $units $unit)) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{- /* Whole seconds as Prometheus writes them. */ -}}
{{- define "tierwatch.promql" -}}
{{- $seconds := floor . | int64 -}}
{{- if eq $seconds 0 -}}0m
{{- else if eq (mod $seconds 86400) 0 -}}{{ div $seconds 86400 }}d
{{- else if eq (mod $seconds 3600) 0 -}}{{ div $seconds 3600 }}h
{{- else if eq (mod $seconds 60) 0 -}}{{ div $seconds 60 }}m
{{- else -}}{{ $seconds }}s
{{- end -}}
{{- end -}}

{{- /* A number without noughts at its end. */ -}}
{{- define "tierwatch.number" -}}
{{- regexReplaceAll "\\.?0+$" (printf "%.6f" (float64 .)) "" -}}
{{- end -}}
