# Nothing comes in, and out go names and 443. Policies add up, so each says one thing.
locals {
  families = { "0.0.0.0/0" = "\\.", "::/0" = ":" }

  everywhere_but_inside = [
    for cidr, mark in local.families : {
      ipBlock = { cidr = cidr, except = [for closed in var.network.closed : closed if can(regex(mark, closed))] }
    }
  ]
  https = [{ protocol = "TCP", port = 443 }]

  egress = {
    allow-dns = [{
      to = [{
        namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = "kube-system" } }
        podSelector       = { matchLabels = var.network.dns }
      }]
      ports = [{ protocol = "UDP", port = 53 }, { protocol = "TCP", port = 53 }]
    }]
    allow-https = [{ to = local.everywhere_but_inside, ports = local.https }]
  }
  internal = length(var.network.internal) == 0 ? {} : {
    allow-internal-https = [{ to = [for cidr in var.network.internal : { ipBlock = { cidr = cidr } }], ports = local.https }]
  }
  api_server = {
    allow-api-server = [{
      to    = [for cidr in var.network.api_server : { ipBlock = { cidr = cidr } }]
      ports = [{ protocol = "TCP", port = 443 }, { protocol = "TCP", port = 6443 }]
    }]
  }
  metrics = {
    allow-metrics = [{
      from  = [{ namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = var.network.monitoring } } }]
      ports = [{ protocol = "TCP", port = 9252 }]
    }]
  }

  # Lists of one object each: the specs differ in shape, which a map of one type cannot hold.
  policy_specs = {
    for namespace, about in local.namespaces : namespace => merge(
      { default-deny = { podSelector = {}, policyTypes = ["Ingress", "Egress"] } },
      {
        for policy, rules in merge(local.egress, local.internal, about.managers ? local.api_server : {}) :
        policy => { podSelector = {}, policyTypes = ["Egress"], egress = rules }
      },
      {
        for policy, rules in about.managers ? local.metrics : {} :
        policy => { podSelector = {}, policyTypes = ["Ingress"], ingress = rules }
      },
    )
  }

  policy_manifests = merge([
    for namespace, specs in local.policy_specs : {
      for policy, spec in specs : "NetworkPolicy/${namespace}/${policy}" => {
        apiVersion = "networking.k8s.io/v1"
        kind       = "NetworkPolicy"
        metadata   = { name = policy, namespace = namespace, labels = { (local.label) = local.namespaces[namespace].tier } }
        spec       = spec
      }
    }
  ]...)
}
