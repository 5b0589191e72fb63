# Namespaces with Pod Security, and what bounds and whom they hold.
locals {
  namespace_manifests = {
    for namespace, about in local.namespaces : "Namespace/${namespace}" => {
      apiVersion = "v1"
      kind       = "Namespace"
      metadata = merge({
        name = namespace
        labels = {
          (local.label)                                = about.tier
          "pod-security.kubernetes.io/enforce"         = about.level
          "pod-security.kubernetes.io/enforce-version" = var.versions.pod_security
          # Also where everything is allowed: what uses the exception is written down.
          "pod-security.kubernetes.io/audit"         = "restricted"
          "pod-security.kubernetes.io/audit-version" = var.versions.pod_security
          "pod-security.kubernetes.io/warn"          = "restricted"
          "pod-security.kubernetes.io/warn-version"  = var.versions.pod_security
        }
        }, about.level != "privileged" ? {} : {
        annotations = { "platform.gitlab.com/privileged-because" = local.tiers[about.tier].privileged_because }
      })
    }
  }

  # One pod a job, and room for those that are just going. Helper and services are counted as one job more of the default size.
  quota_manifests = {
    for name, tier in local.tiers : "ResourceQuota/${tier.namespace}/jobs" => {
      apiVersion = "v1"
      kind       = "ResourceQuota"
      metadata   = { name = "jobs", namespace = tier.namespace, labels = { (local.label) = name } }
      spec = { hard = {
        pods                     = tostring(ceil(tier.capacity * 1.25))
        "requests.cpu"           = tostring(tier.capacity * (tier.job.cpu + 1))
        "requests.memory"        = "${tier.capacity * (tier.job.memory_gib + 1)}Gi"
        "limits.memory"          = "${tier.capacity * (tier.job.max_memory_gib + 1)}Gi"
        persistentvolumeclaims   = "0"
        "services.loadbalancers" = "0"
        "services.nodeports"     = "0"
      } }
    }
  }

  limit_manifests = {
    for name, tier in local.tiers : "LimitRange/${tier.namespace}/jobs" => {
      apiVersion = "v1"
      kind       = "LimitRange"
      metadata   = { name = "jobs", namespace = tier.namespace, labels = { (local.label) = name } }
      spec = { limits = [{
        type           = "Container"
        default        = { cpu = tostring(tier.job.max_cpu), memory = "${tier.job.memory_gib}Gi" }
        defaultRequest = { cpu = "100m", memory = "128Mi" }
        max            = { cpu = tostring(tier.job.max_cpu), memory = "${tier.job.max_memory_gib}Gi" }
      }] }
    }
  }

  manager_quota_manifests = {
    for name, tier in local.tiers : "ResourceQuota/${tier.managing}/managers" => {
      apiVersion = "v1"
      kind       = "ResourceQuota"
      metadata   = { name = "managers", namespace = tier.managing, labels = { (local.label) = name } }
      # Twice as many while they are replaced.
      spec = { hard = { pods = tostring(tier.managers * 2), "services.loadbalancers" = "0", "services.nodeports" = "0" } }
    }
  }

  # The account of the job pods: it has no right, and its token is not mounted.
  account_manifests = {
    for name, tier in local.tiers : "ServiceAccount/${tier.namespace}/job" => {
      apiVersion                   = "v1"
      kind                         = "ServiceAccount"
      metadata                     = { name = "job", namespace = tier.namespace, labels = { (local.label) = name } }
      automountServiceAccountToken = false
    }
  }
}
