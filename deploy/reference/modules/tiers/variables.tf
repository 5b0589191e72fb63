variable "tiers" {
  description = "The trust tiers by name. What is left out is as closed as it can be."
  nullable    = false

  type = map(object({
    # GitLab's ids of the tier's runners, once they exist: whoever else takes the tier's tags is told.
    runners      = list(number)
    protected    = bool
    locked       = optional(bool, true)
    run_untagged = optional(bool, false)

    # Jobs at once are managers times concurrent.
    managers            = optional(number, 2)
    concurrent          = number
    request_concurrency = optional(number, 2)

    # The one exception that a tier may have, and why. Its pods may do everything on their nodes.
    privileged_because = optional(string)

    # What a job gets when it asks for nothing, and at most.
    job = optional(object({
      cpu            = optional(number, 1)
      memory_gib     = optional(number, 2)
      max_cpu        = optional(number, 4)
      max_memory_gib = optional(number, 8)
    }), {})

    nodes = optional(object({
      capacity_types      = optional(list(string), ["on-demand"])
      instance_categories = optional(list(string), ["c", "m"])
      max_cpu             = optional(number, 128)
    }), {})

    # Changed with each new runner token: it rolls the managers, which read the token only when they start.
    token_rotated = string

    urgency      = optional(string, "ticket")
    start_within = optional(string, "2m")
  }))

  validation {
    condition     = alltrue([for name in keys(var.tiers) : can(regex("^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", name))])
    error_message = "The name of a tier is a label value and part of names: a-z, 0-9 and -, 40 characters at most."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : tier.managers >= 1 && tier.concurrent >= 1 && tier.request_concurrency >= 1])
    error_message = "managers, concurrent and request_concurrency of a tier are 1 or more."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : try(length(trimspace(tier.privileged_because)) >= 20, tier.privileged_because == null)])
    error_message = "privileged_because is a reason in words that a reviewer can follow, 20 characters at least."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : tier.privileged_because == null || !tier.run_untagged])
    error_message = "A privileged tier takes no jobs without tags: nobody should land there by accident."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : tier.job.cpu <= tier.job.max_cpu && tier.job.memory_gib <= tier.job.max_memory_gib])
    error_message = "What a job gets when it asks for nothing is not more than it may get (job.cpu, job.memory_gib)."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : can(regex("^\\d{4}-\\d{2}-\\d{2}$", tier.token_rotated))])
    error_message = "token_rotated is the day of the runner's token, e.g. 2026-11-02."
  }
  validation {
    condition     = alltrue([for tier in values(var.tiers) : contains(["page", "ticket", "none"], tier.urgency)])
    error_message = "urgency is page, ticket or none."
  }
  validation {
    condition     = length(flatten(values(var.tiers)[*].runners)) == length(distinct(flatten(values(var.tiers)[*].runners)))
    error_message = "A runner belongs to one tier."
  }
}

variable "gitlab_url" {
  description = "Base address of GitLab; also the issuer of its jobs' id tokens."
  type        = string

  validation {
    condition     = can(regex("^https?://[^/]+(/.*[^/])?$", var.gitlab_url))
    error_message = "gitlab_url begins with https:// and does not end with a slash."
  }
}

variable "network" {
  description = "What the network policies open, and to whom."
  type = object({
    # Where managers reach the API server: its addresses as the network plug-in sees them. Nobody else does while its endpoint
    # is private; of a public one, jobs reach 443 like everything on the internet, unless `closed` names its addresses.
    api_server = list(string)
    # Internal addresses that jobs may reach on 443: GitLab, registries, a proxy. Of the internet all but `closed` is open.
    internal = optional(list(string), [])
    # What jobs never reach on any port: link-local addresses, among them the metadata service and the pod identity
    # agent, and the networks inside.
    closed = optional(list(string), [
      "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
      "fc00::/7", "fe80::/10",
    ])
    dns        = optional(map(string), { "k8s-app" = "kube-dns" })
    monitoring = optional(string, "monitoring")
  })

  validation {
    condition     = length(var.network.api_server) > 0 && alltrue([for cidr in concat(var.network.api_server, var.network.internal, var.network.closed) : can(cidrhost(cidr, 0))])
    error_message = "network.api_server names at least one block, and every block is written like 10.0.0.1/32."
  }
  validation {
    condition = alltrue([for cidr in concat(var.network.api_server, var.network.internal) :
      !contains(["0.0.0.0/0", "::/0"], cidr) && !startswith(cidr, "169.254.") && !startswith(lower(cidr), "fd00:ec2:")
    ])
    error_message = "network.api_server and network.internal are neither everything nor the metadata service."
  }
  validation {
    condition     = contains(var.network.closed, "169.254.0.0/16") && anytrue([for cidr in var.network.closed : contains(["fc00::/7", "fd00:ec2::/32", "fd00::/8"], cidr)])
    error_message = "network.closed holds 169.254.0.0/16 and fc00::/7: the metadata service answers there."
  }
}

variable "versions" {
  description = "Everything that is fetched, pinned."
  type = object({
    runner_chart    = optional(string, "0.91.0")
    runner_image    = optional(string, "gitlab-org/gitlab-runner:alpine-v19.2.0")
    runner_helper   = optional(string, "registry.gitlab.com/gitlab-org/ci-cd/gitlab-runner-ubi-images/gitlab-runner-helper-ocp:x86_64-v19.2.0")
    job_image       = optional(string, "docker.io/library/alpine:3.22.1")
    pod_security    = optional(string, "v1.34")
    node_image      = optional(string, "al2023@v20261110")
    runner_registry = optional(string, "registry.gitlab.com")
  })
  default = {}

  validation {
    condition     = can(regex("^\\d+\\.\\d+\\.\\d+$", var.versions.runner_chart))
    error_message = "versions.runner_chart is one version, e.g. 0.91.0."
  }
  validation {
    condition = alltrue([for image in [var.versions.runner_image, var.versions.runner_helper, var.versions.job_image] :
      can(regex("(:[a-z0-9_-]*v?\\d+\\.\\d+[a-z0-9._-]*|@sha256:[0-9a-f]{64})$", image))
    ])
    error_message = "An image names a full version or a digest, never latest."
  }
  validation {
    condition     = can(regex("^v1\\.\\d+$", var.versions.pod_security)) && can(regex("^[a-z0-9]+@v\\d+$", var.versions.node_image))
    error_message = "versions.pod_security is written like v1.34, versions.node_image like al2023@v20261110."
  }
}

variable "cluster" {
  description = "The EKS cluster whose nodes Karpenter makes."
  type = object({
    name      = string
    node_role = string
  })
}

variable "storage_class" {
  description = "StorageClass of tierwatch's volume. Without it the cluster's default, which EKS has not had since 1.30."
  type        = string
  default     = null
}

variable "account_id" {
  description = "AWS account that jobs may take roles in."
  type        = string

  validation {
    condition     = can(regex("^\\d{12}$", var.account_id))
    error_message = "account_id has twelve digits."
  }
}

variable "environments" {
  description = "Cloud roles by environment. An environment of kind none has no role; one of kind production is taken from protected branches only."
  nullable    = false

  type = map(object({
    kind = string
    # Project path to the branches whose jobs may take the role, written out.
    branches = optional(map(list(string)), {})
    # Policies of the role.
    policy_arns = optional(list(string), [])
  }))

  validation {
    condition     = alltrue([for environment in values(var.environments) : contains(["none", "non-production", "production"], environment.kind)])
    error_message = "kind of an environment is none, non-production or production."
  }
  validation {
    condition = alltrue([for environment in values(var.environments) :
      (environment.kind == "none") == (length(flatten(values(environment.branches))) == 0)
    ])
    error_message = "An environment of kind none names no branches, every other at least one: a role without a subject would be open to all."
  }
  validation {
    condition = alltrue(flatten([for environment in values(var.environments) : [
      for project, branches in environment.branches : [
        for text in concat([project], branches) : can(regex("^[A-Za-z0-9_][A-Za-z0-9_./-]*$", text))
      ]
    ]]))
    error_message = "Projects and branches are written out: a wildcard or a colon in a subject lets others in."
  }
  validation {
    condition     = alltrue([for environment in values(var.environments) : environment.kind != "none" || length(environment.policy_arns) == 0])
    error_message = "An environment of kind none has no policies."
  }
  validation {
    condition = alltrue(flatten([for environment in values(var.environments) : [
      for project, branches in environment.branches : [
        for branch in branches : contains(lookup(var.protected_branches, project, []), branch)
      ]
    ] if environment.kind == "production"]))
    error_message = "A production role is taken from protected branches only: name them under protected_branches of the project."
  }
}

variable "protected_branches" {
  description = "Project path to its protected branches, as GitLab has them. AWS cannot read the claim ref_protected, so that the refs themselves are the condition."
  type        = map(list(string))
  default     = {}
}
