# Who may take a cloud role: jobs, by GitLab's id tokens, each environment from the branches that are named.
locals {
  issuer   = replace(var.gitlab_url, "/^https?:\\/\\//", "")
  provider = "arn:aws:iam::${var.account_id}:oidc-provider/${local.issuer}"

  trusted = { for name, environment in var.environments : name => environment if environment.kind != "none" }

  # Each environment has an audience of its own: a token made for one is refused by the other's role.
  audiences = { for name in keys(local.trusted) : name => "${var.gitlab_url}/${name}" }

  roles = {
    for name, environment in local.trusted : name => {
      name                 = "gitlab-jobs-${name}"
      max_session_duration = 3600
      policy_arns          = environment.policy_arns
      audience             = local.audiences[name]
      trust_policy = {
        Version = "2012-10-17"
        Statement = [{
          Effect    = "Allow"
          Action    = "sts:AssumeRoleWithWebIdentity"
          Principal = { Federated = local.provider }
          # Equal, never alike: no pattern, so none that matches too much.
          Condition = { StringEquals = {
            "${local.issuer}:aud" = local.audiences[name]
            "${local.issuer}:sub" = flatten([
              for project, branches in environment.branches : [
                for branch in branches : "project_path:${project}:ref_type:branch:ref:${branch}"
              ]
            ])
          } }
        }]
      }
    }
  }
}
