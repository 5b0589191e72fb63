output "manifests" {
  description = "Objects of Kubernetes by `Kind/namespace/name`."
  value = merge(
    local.namespace_manifests,
    { "Namespace/tierwatch" = local.tierwatch_namespace },
    local.quota_manifests,
    local.limit_manifests,
    local.manager_quota_manifests,
    local.account_manifests,
    local.policy_manifests,
  )
}

output "node_manifests" {
  description = "Objects of Karpenter by `Kind/name`."
  value       = merge({ "EC2NodeClass/gitlab-runners" = local.node_class }, local.node_pools)
}

output "helm_releases" {
  description = "GitLab Runner by tier: chart version, namespace, values."
  value = {
    for name, tier in local.tiers : name => {
      version   = var.versions.runner_chart
      namespace = tier.managing
      values    = local.helm_values[name]
    }
  }
}

output "job_namespaces" {
  description = "Namespaces of job pods by tier; their default service account must not be mounted either."
  value       = { for name, tier in local.tiers : name => tier.namespace }
}

output "gitlab_runners" {
  description = "What to create each tier's runner with in GitLab, and where its token goes."
  value       = local.gitlab_runners
}

output "roles" {
  description = "Cloud roles by environment, with their trust policies. Environments of kind none are not here."
  value       = local.roles
}

output "oidc" {
  description = "GitLab as an identity provider: its address and the audiences that its tokens may have."
  value       = { url = var.gitlab_url, audiences = sort(values(local.audiences)) }
}

output "tierwatch_config" {
  description = "tierwatch's configuration, as in docs/configuration.md, without paths of files."
  value       = local.tierwatch_config
}

output "tierwatch_values" {
  description = "Values of tierwatch's chart."
  value       = local.tierwatch_values
}
