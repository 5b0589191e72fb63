# The platform: what a tier is, and who may deploy where. Everything else is made from it.

tiers = {
  standard = {
    runners       = [31]
    token_rotated = "2026-11-02"
    protected     = false
    concurrent    = 20
    urgency       = "page"
    nodes         = { capacity_types = ["spot", "on-demand"], max_cpu = 256 }
  }
  protected = {
    runners       = [32]
    token_rotated = "2026-11-02"
    protected     = true
    concurrent    = 6
    urgency       = "page"
  }
  privileged = {
    runners            = [33]
    token_rotated      = "2026-11-02"
    protected          = true
    managers           = 1
    concurrent         = 4
    start_within       = "3m"
    privileged_because = "Images of the old build system are built by a Docker daemon in the job; goes when they have moved to BuildKit (rootless)."
  }
  deployment = {
    runners       = [34]
    token_rotated = "2026-11-02"
    protected     = true
    concurrent    = 3
    urgency       = "page"
    start_within  = "1m"
  }
  sandbox = {
    runners       = [35]
    token_rotated = "2026-11-02"
    protected     = false
    concurrent    = 6
    urgency       = "none"
    start_within  = "5m"
    nodes         = { capacity_types = ["spot"], max_cpu = 64 }
  }
}

environments = {
  sandbox = { kind = "none" }
  feature = { kind = "none" }
  non-production = {
    kind        = "non-production"
    branches    = { "harbour/infrastructure" = ["develop", "main"] }
    policy_arns = ["arn:aws:iam::111122223333:policy/deploy-non-production"]
  }
  production = {
    kind        = "production"
    branches    = { "harbour/infrastructure" = ["main"] }
    policy_arns = ["arn:aws:iam::111122223333:policy/deploy-production"]
  }
}

# As GitLab has them: Settings, Repository, Protected branches. Written out, no patterns.
protected_branches = {
  "harbour/infrastructure" = ["main"]
}
