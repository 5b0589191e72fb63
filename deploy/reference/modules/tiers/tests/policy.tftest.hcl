# What the module refuses, and what it says of the smallest platform. `tofu test` in modules/tiers; needs no provider.

variables {
  gitlab_url = "https://gitlab.example.com"
  account_id = "111122223333"
  cluster    = { name = "runners", node_role = "KarpenterNodeRole-runners" }
  network    = { api_server = ["172.20.0.1/32"] }

  tiers = {
    standard = { runners = [31], token_rotated = "2026-11-02", protected = false, concurrent = 20 }
  }
  environments       = {}
  protected_branches = { "harbour/infrastructure" = ["main"] }
}

run "a_tier_needs_six_lines" {
  command = plan

  assert {
    condition     = output.tierwatch_config.tiers.standard.posture.expected.pod_security == "restricted"
    error_message = "A tier is closed unless it says otherwise."
  }
  assert {
    condition     = output.gitlab_runners.standard.locked && !output.gitlab_runners.standard.run_untagged
    error_message = "Its runner is locked and takes no jobs without tags."
  }
  assert {
    condition     = length(output.roles) == 0
    error_message = "No environment, no cloud role."
  }
}

run "tierwatch_is_read_from_the_namespace_that_reads_the_managers" {
  command = plan
  variables {
    network       = { api_server = ["172.20.0.1/32"], monitoring = "observability" }
    storage_class = "gp3"
  }
  assert {
    condition = output.tierwatch_values.networkPolicy.monitoring == [
      { namespaceSelector = { matchLabels = { "kubernetes.io/metadata.name" = "observability" } } }
    ]
    error_message = "Its NetworkPolicy lets in network.monitoring."
  }
  assert {
    condition     = output.tierwatch_values.state.storageClassName == "gp3"
    error_message = "Its volume is of storage_class."
  }
}

run "without_a_storage_class_the_cluster_chooses" {
  command = plan

  assert {
    condition     = !can(output.tierwatch_values.state)
    error_message = "The chart's own default stands."
  }
}

run "environments_of_kind_none_have_no_role" {
  command = plan
  variables {
    environments = {
      sandbox    = { kind = "none" }
      production = { kind = "production", branches = { "harbour/infrastructure" = ["main"] } }
    }
  }
  assert {
    condition     = keys(output.roles) == ["production"]
    error_message = "Only production has a role."
  }
  assert {
    condition = one(output.roles.production.trust_policy.Statement).Condition == {
      StringEquals = {
        "gitlab.example.com:aud" = "https://gitlab.example.com/production"
        "gitlab.example.com:sub" = ["project_path:harbour/infrastructure:ref_type:branch:ref:main"]
      }
    }
    error_message = "The subject is one branch of one project, the audience the environment's own."
  }
}

run "a_wildcard_subject_is_refused" {
  command = plan
  variables {
    environments = { non-production = { kind = "non-production", branches = { "harbour/*" = ["main"] } } }
  }
  expect_failures = [var.environments]
}

run "a_wildcard_branch_is_refused" {
  command = plan
  variables {
    environments = { non-production = { kind = "non-production", branches = { "harbour/shop" = ["feature/*"] } } }
  }
  expect_failures = [var.environments]
}

run "a_role_without_a_subject_is_refused" {
  command = plan
  variables {
    environments = { non-production = { kind = "non-production" } }
  }
  expect_failures = [var.environments]
}

run "a_sandbox_with_a_subject_is_refused" {
  command = plan
  variables {
    environments = { sandbox = { kind = "none", branches = { "harbour/shop" = ["main"] } } }
  }
  expect_failures = [var.environments]
}

run "production_from_a_branch_that_is_not_protected_is_refused" {
  command = plan
  variables {
    environments = { production = { kind = "production", branches = { "harbour/infrastructure" = ["develop"] } } }
  }
  expect_failures = [var.environments]
}

run "an_exception_without_a_reason_is_refused" {
  command = plan
  variables {
    tiers = { privileged = { runners = [], token_rotated = "2026-11-02", protected = true, concurrent = 2, privileged_because = "needed" } }
  }
  expect_failures = [var.tiers]
}

run "one_runner_in_two_tiers_is_refused" {
  command = plan
  variables {
    tiers = {
      standard  = { runners = [31], token_rotated = "2026-11-02", protected = false, concurrent = 2 }
      protected = { runners = [31], token_rotated = "2026-11-02", protected = true, concurrent = 2 }
    }
  }
  expect_failures = [var.tiers]
}

run "an_image_that_moves_is_refused" {
  command = plan
  variables {
    versions = { job_image = "docker.io/library/alpine:latest" }
  }
  expect_failures = [var.versions]
}

run "a_chart_that_moves_is_refused" {
  command = plan
  variables {
    versions = { runner_chart = "~> 0.91" }
  }
  expect_failures = [var.versions]
}

run "the_metadata_service_stays_closed" {
  command = plan
  variables {
    network = { api_server = ["172.20.0.1/32"], internal = ["169.254.169.254/32"] }
  }
  expect_failures = [var.network]
}

run "everything_is_no_internal_network" {
  command = plan
  variables {
    network = { api_server = ["0.0.0.0/0"] }
  }
  expect_failures = [var.network]
}
