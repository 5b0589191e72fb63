# What differs from place to place. What a tier is stands in tiers.auto.tfvars; modules/tiers checks both.

variable "gitlab_url" {
  description = "Base address of GitLab, e.g. https://gitlab.example.com."
  type        = string
}

variable "account_id" {
  description = "AWS account of the cluster and of the jobs' roles."
  type        = string
}

variable "region" {
  description = "AWS region of the cluster."
  type        = string
}

variable "cluster" {
  description = "The EKS cluster: its name, and the role of the nodes that Karpenter makes."
  type = object({
    name      = string
    node_role = string
  })
}

variable "network" {
  description = "Addresses of the API server, what jobs may reach inside and what never; modules/tiers knows the shape."
  type        = any
}

variable "kubeconfig" {
  description = "Path of a kubeconfig file."
  type        = string
  default     = "~/.kube/config"
}

variable "kube_context" {
  description = "Its context; the platform should not land where kubectl happens to point."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that no role of a job goes beyond."
  type        = string
}

variable "tierwatch_chart" {
  description = "tierwatch's chart: a path, or an oci:// address."
  type        = string
  default     = "../chart/tierwatch"
}

variable "tierwatch_chart_version" {
  description = "Version of tierwatch's chart, where it comes from a registry."
  type        = string
  default     = null
}

variable "storage_class" {
  description = "StorageClass of tierwatch's volume, where the cluster has no default one."
  type        = string
  default     = null
}

# The three maps of tiers.auto.tfvars; modules/tiers knows their shape and says what is wrong.
variable "tiers" {
  description = "The trust tiers by name."
  type        = any
}

variable "environments" {
  description = "Cloud roles by environment."
  type        = any
}

variable "protected_branches" {
  description = "Project path to its protected branches."
  type        = map(list(string))
}
