output "gitlab_runners" {
  description = "What to create each tier's runner with in GitLab, and where its token goes."
  value       = module.tiers.gitlab_runners
}

output "role_arns" {
  description = "Cloud roles of jobs by environment."
  value       = { for name, role in aws_iam_role.job : name => role.arn }
}

output "audiences" {
  description = "The `aud` that a job's id token needs, by environment."
  value       = { for name, role in module.tiers.roles : name => role.audience }
}

output "tierwatch_config" {
  description = "What tierwatch was told of the tiers."
  value       = module.tiers.tierwatch_config
}
