# Nodes of each tier, which nothing else may use: label and taint exclude one another.
locals {
  node_class = {
    apiVersion = "karpenter.k8s.aws/v1"
    kind       = "EC2NodeClass"
    metadata   = { name = "gitlab-runners" }
    spec = {
      role                       = var.cluster.node_role
      amiSelectorTerms           = [{ alias = var.versions.node_image }]
      subnetSelectorTerms        = [{ tags = { "karpenter.sh/discovery" = var.cluster.name } }]
      securityGroupSelectorTerms = [{ tags = { "karpenter.sh/discovery" = var.cluster.name } }]
      # One hop ends at the node: a pod's request to the metadata service gets no answer, whatever the policies say.
      metadataOptions     = { httpEndpoint = "enabled", httpTokens = "required", httpPutResponseHopLimit = 1, httpProtocolIPv6 = "disabled" }
      blockDeviceMappings = [{ deviceName = "/dev/xvda", ebs = { volumeSize = "100Gi", volumeType = "gp3", encrypted = true, deleteOnTermination = true } }]
    }
  }

  node_pools = {
    for name, tier in local.tiers : "NodePool/gitlab-runners-${name}" => {
      apiVersion = "karpenter.sh/v1"
      kind       = "NodePool"
      metadata   = { name = "gitlab-runners-${name}", labels = { (local.label) = name } }
      spec = {
        template = {
          metadata = { labels = { (local.label) = name } }
          spec = {
            nodeClassRef = { group = "karpenter.k8s.aws", kind = "EC2NodeClass", name = local.node_class.metadata.name }
            taints       = [{ key = local.label, value = name, effect = "NoSchedule" }]
            requirements = [
              { key = "kubernetes.io/arch", operator = "In", values = ["amd64"] },
              { key = "kubernetes.io/os", operator = "In", values = ["linux"] },
              { key = "karpenter.sh/capacity-type", operator = "In", values = tier.nodes.capacity_types },
              { key = "karpenter.k8s.aws/instance-category", operator = "In", values = tier.nodes.instance_categories },
            ]
            # A week at most: what a job left on a node does not grow old. Longer than a day of jobs may end.
            expireAfter            = "168h"
            terminationGracePeriod = "24h"
          }
        }
        limits = { cpu = tostring(tier.nodes.max_cpu), memory = "${tier.nodes.max_cpu * 4}Gi" }
        # Never under a running job: only what is empty goes.
        disruption = { consolidationPolicy = "WhenEmpty", consolidateAfter = "5m", budgets = [{ nodes = "10%" }] }
      }
    }
  }
}
