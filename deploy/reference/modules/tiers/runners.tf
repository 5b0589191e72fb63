# GitLab Runner, once per tier: what the chart is given, and what GitLab has to be told.
locals {
  # As the executor's table of permissions has it (docs/executors/kubernetes), for the strategy `attach`. An empty list would
  # be everything on everything.
  rules = [
    { resources = ["pods"], verbs = ["create", "delete", "get", "list", "watch"] },
    { resources = ["pods/attach", "pods/exec"], verbs = ["create", "delete", "get", "patch"] },
    { resources = ["pods/log"], verbs = ["get", "list"] },
    { resources = ["secrets"], verbs = ["create", "delete", "get", "update"] },
    { resources = ["services"], verbs = ["create", "get"] },
    { resources = ["serviceaccounts"], verbs = ["get"] },
    { resources = ["events"], verbs = ["list", "watch"] },
  ]

  helm_values = {
    for name, tier in local.tiers : name => {
      fullnameOverride = "gitlab-runner"
      image = {
        registry = var.versions.runner_registry
        image    = split(":", var.versions.runner_image)[0]
        tag      = join(":", slice(split(":", var.versions.runner_image), 1, length(split(":", var.versions.runner_image))))
      }
      gitlabUrl  = var.gitlab_url
      replicas   = tier.managers
      concurrent = tier.concurrent
      # Longer than most jobs: who is told to stop takes no new one and waits for those that run.
      terminationGracePeriodSeconds = 21600
      # The token is the runner's, not the pod's: it stays registered.
      unregisterRunners = false
      rbac = {
        create            = true
        clusterWideAccess = false
        rules             = [for rule in local.rules : merge({ apiGroups = [""] }, rule)]
      }
      serviceAccount = { create = true, name = "gitlab-runner" }
      metrics        = { enabled = true, serviceMonitor = { enabled = false } }
      service        = { enabled = true }
      # The Secret keeps the token: a manager that replaced it by itself would strand the others and itself after a restart.
      envVars        = [{ name = "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", value = "true" }]
      podAnnotations = { (local.rotated) = tier.token_rotated }
      podLabels      = { (local.label) = name }
      runners = {
        executor     = "kubernetes"
        secret       = local.token_secret
        jobNamespace = tier.namespace
        config = templatefile("${path.module}/config.toml.tftpl", {
          tier                = name
          namespace           = tier.namespace
          request_concurrency = tier.request_concurrency
          privileged          = tier.privileged
          label               = local.label
          job                 = tier.job
          job_image           = var.versions.job_image
          helper_image        = var.versions.runner_helper
        })
      }
      # The chart's own contexts lack the seccomp profile that `restricted` asks for.
      podSecurityContext = { runAsUser = 100, fsGroup = 65533, seccompProfile = { type = "RuntimeDefault" } }
      securityContext = {
        allowPrivilegeEscalation = false
        readOnlyRootFilesystem   = false
        runAsNonRoot             = true
        privileged               = false
        capabilities             = { drop = ["ALL"] }
      }
      resources = { requests = { cpu = "100m", memory = "128Mi" }, limits = { memory = "256Mi" } }
      # Managers stay off the tiers' nodes: a job that breaks out of its pod finds no token there.
      affinity = { nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms = [{
        matchExpressions = [{ key = local.label, operator = "DoesNotExist" }]
      }] } } }
    }
  }

  # What lives on GitLab's side. With a runner's own token (glrt-) the chart cannot set it.
  gitlab_runners = {
    for name, tier in local.tiers : name => {
      tag_list     = [tier.tag]
      run_untagged = tier.run_untagged
      locked       = tier.locked
      access_level = tier.protected ? "ref_protected" : "not_protected"
      namespace    = tier.managing
      secret       = local.token_secret
    }
  }
}
