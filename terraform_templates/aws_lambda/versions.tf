# Which terraform and which AWS provider this template is written for.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

# Endpoint and credentials come from the environment (AWS_ENDPOINT_URL, AWS_PROFILE, ...), never from this file.
provider "aws" {
  region = var.region

  default_tags {
    tags = var.tags
  }

  # How the smoke test of each version went, which deployer notes at the function.
  ignore_tags {
    key_prefixes = ["deployer:smoke-test:"]
  }
}
