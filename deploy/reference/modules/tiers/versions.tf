# No provider: everything here is a function of its variables, so that `tofu test` and a plan need neither a cluster nor a cloud.
terraform {
  required_version = ">= 1.9"
}
