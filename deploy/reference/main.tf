# Hands what modules/tiers says to the providers, and decides nothing.

module "tiers" {
  source = "./modules/tiers"

  tiers              = var.tiers
  environments       = var.environments
  protected_branches = var.protected_branches
  gitlab_url         = var.gitlab_url
  network            = var.network
  cluster            = var.cluster
  account_id         = var.account_id
  storage_class      = var.storage_class
}

locals {
  namespaces = { for name, manifest in module.tiers.manifests : name => manifest if manifest.kind == "Namespace" }
  contents   = { for name, manifest in module.tiers.manifests : name => manifest if manifest.kind != "Namespace" }
}

resource "kubernetes_manifest" "namespace" {
  for_each = local.namespaces
  manifest = each.value

  # The tiers' labels are theirs: who takes one away by hand is told by tierwatch and put right by the next apply.
  field_manager {
    name            = "runner-platform"
    force_conflicts = true
  }
}

resource "kubernetes_manifest" "content" {
  for_each = local.contents
  manifest = each.value

  field_manager {
    name            = "runner-platform"
    force_conflicts = true
  }

  depends_on = [kubernetes_manifest.namespace]
}

# Made by Kubernetes in each namespace; taken over, so that its token is mounted nowhere.
resource "kubernetes_default_service_account_v1" "job" {
  for_each                        = module.tiers.job_namespaces
  automount_service_account_token = false

  metadata {
    namespace = each.value
  }

  depends_on = [kubernetes_manifest.namespace]
}

resource "kubernetes_manifest" "node" {
  for_each = module.tiers.node_manifests
  manifest = each.value
}

resource "helm_release" "runner" {
  for_each = module.tiers.helm_releases

  name       = "gitlab-runner"
  namespace  = each.value.namespace
  repository = "https://charts.gitlab.io"
  chart      = "gitlab-runner"
  version    = each.value.version
  values     = [yamlencode(each.value.values)]
  atomic     = true
  timeout    = 600

  # Closed first, then inhabited.
  depends_on = [kubernetes_manifest.content, kubernetes_default_service_account_v1.job]
}

resource "helm_release" "tierwatch" {
  name      = "tierwatch"
  namespace = "tierwatch"
  chart     = var.tierwatch_chart
  version   = var.tierwatch_chart_version
  values    = [yamlencode(module.tiers.tierwatch_values)]
  atomic    = true

  # Its Roles lie in the tiers' namespaces.
  depends_on = [kubernetes_manifest.namespace]
}

resource "aws_iam_openid_connect_provider" "gitlab" {
  url            = module.tiers.oidc.url
  client_id_list = module.tiers.oidc.audiences
}

resource "aws_iam_role" "job" {
  for_each = module.tiers.roles

  name                 = each.value.name
  assume_role_policy   = jsonencode(each.value.trust_policy)
  max_session_duration = each.value.max_session_duration
  permissions_boundary = var.permissions_boundary

  depends_on = [aws_iam_openid_connect_provider.gitlab]
}

resource "aws_iam_role_policy_attachment" "job" {
  for_each = merge([
    for name, role in module.tiers.roles : { for arn in role.policy_arns : "${name} ${arn}" => { role = name, arn = arn } }
  ]...)

  role       = aws_iam_role.job[each.value.role].name
  policy_arn = each.value.arn
}
