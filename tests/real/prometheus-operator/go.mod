module tierwatch/tests/real/prometheus-operator

go 1.26.0

// Nothing of it is built: its definitions of ServiceMonitor, PodMonitor and PrometheusRule are read from the module itself.
require github.com/prometheus-operator/prometheus-operator v0.93.0
