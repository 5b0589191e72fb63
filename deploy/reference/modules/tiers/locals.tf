# Names that the other files share.
locals {
  label        = "platform.gitlab.com/runner-tier"
  token_secret = "gitlab-runner-token"
  rotated      = "platform.gitlab.com/token-rotated-at"

  tiers = {
    for name, tier in var.tiers : name => merge(tier, {
      tag        = "tier-${name}"
      namespace  = "gitlab-runners-${name}"
      managing   = "gitlab-runners-${name}-manager"
      privileged = tier.privileged_because != null
      capacity   = tier.managers * tier.concurrent
    })
  }

  # Both namespaces of each tier: job pods never share one with the manager and its token.
  namespaces = merge([
    for name, tier in local.tiers : {
      (tier.namespace) = { tier = name, managers = false, level = tier.privileged ? "privileged" : "restricted" }
      (tier.managing)  = { tier = name, managers = true, level = "restricted" }
    }
  ]...)
}
