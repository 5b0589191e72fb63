# tierwatch, told of the same tiers: what is made here is what it expects to find.
locals {
  tierwatch_namespace = {
    apiVersion = "v1"
    kind       = "Namespace"
    metadata = {
      name = "tierwatch"
      labels = {
        for mode in ["enforce", "audit", "warn"] : "pod-security.kubernetes.io/${mode}" => "restricted"
      }
    }
  }

  tierwatch_config = {
    gitlab     = { url = var.gitlab_url }
    kubernetes = { cluster_scoped = true }
    tiers = {
      for name, tier in local.tiers : name => merge(
        {
          tags               = [tier.tag]
          namespaces         = [tier.namespace]
          manager_namespaces = [tier.managing]
          run_untagged       = tier.run_untagged
          capacity           = tier.capacity
          urgency            = tier.urgency
          objective          = { start_within = tier.start_within }
          token              = { rotation_annotation = local.rotated }
          posture = { expected = merge(
            {
              pod_security         = tier.privileged ? "privileged" : "restricted"
              pod_security_version = var.versions.pod_security
              pod_security_audit   = "restricted"
              pod_security_warn    = "restricted"
              internet_ports       = [443]
              protected            = tier.protected
              locked               = tier.locked
              secrets              = []
            },
            # The exception, word for word; all else of that tier stays closed.
            tier.privileged ? { privileged = true, root = true } : {},
            length(tier.runners) == 0 ? { declared_runners = false } : {},
          ) }
        },
        length(tier.runners) == 0 ? {} : { runners = tier.runners },
      )
    }
  }

  # For the chart in deploy/chart/tierwatch, which adds the paths of mounted files itself.
  tierwatch_values = merge(
    {
      gitlab = { existingSecret = "tierwatch-gitlab" }
      config = local.tierwatch_config
      # The same Prometheus that reaches the managers.
      networkPolicy = {
        monitoring = [{ namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = var.network.monitoring } } }]
      }
    },
    var.storage_class == null ? {} : { state = { storageClassName = var.storage_class } },
  )
}
