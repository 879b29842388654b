# What may differ between deployments. The values come from terraform.tfvars.json, which deployer writes from the
# deployment config; the limits are AWS's own, so that a wrong value is refused before anything is created.

variable "region" {
  description = "AWS region of the function and of its ECR repository."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2,}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region must be an AWS region such as us-east-1."
  }
}

variable "name" {
  description = "Name of the Lambda function; its role and its log group are named after it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name must be 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "repository_name" {
  description = "ECR repository that holds the image. It exists before terraform runs and is not terraform's."
  type        = string

  validation {
    condition = (
      can(regex("^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$", var.repository_name))
      && length(var.repository_name) >= 2 && length(var.repository_name) <= 256
    )
    error_message = "repository_name must be 2 to 256 lower-case letters, digits and . _ - / between them."
  }
}

variable "image_tag" {
  description = "Repository and tag of the image, for people. What is deployed is image_digest."
  type        = string

  validation {
    condition     = can(regex("^[^:@ ]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "image_tag must be REPOSITORY:TAG."
  }
}

variable "image_digest" {
  description = "Digest of the image's manifest. Another digest publishes another version."
  type        = string

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "image_digest must be sha256: and 64 hexadecimal digits."
  }
}

variable "timeout" {
  description = "Seconds that one request may take; start-up that takes longer than 10 s counts too."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900 && floor(var.timeout) == var.timeout
    error_message = "timeout must be a whole number of seconds from 1 to 900."
  }
}

variable "memory_size" {
  description = "Memory in MB. Lambda gives CPU in proportion: 1769 MB is one vCPU."
  type        = number
  default     = 1769

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "memory_size must be a whole number of MB from 128 to 10240."
  }
}

variable "ephemeral_storage" {
  description = "Size of /tmp in MB, the only place a function may write to."
  type        = number
  default     = 512

  validation {
    condition = (
      var.ephemeral_storage >= 512 && var.ephemeral_storage <= 10240
      && floor(var.ephemeral_storage) == var.ephemeral_storage
    )
    error_message = "ephemeral_storage must be a whole number of MB from 512 to 10240."
  }
}

variable "architecture" {
  description = "What the function runs on, as its image does: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "auth" {
  description = "Who may call the URL: iam (requests signed by AWS credentials that are allowed to) or none (anyone)."
  type        = string
  default     = "iam"

  validation {
    condition     = contains(["iam", "none"], var.auth)
    error_message = "auth must be iam or none."
  }
}

variable "invoke_mode" {
  description = "How the URL answers: BUFFERED (a whole response, up to 6 MB) or RESPONSE_STREAM (as it is made)."
  type        = string
  default     = "BUFFERED"

  validation {
    condition     = contains(["BUFFERED", "RESPONSE_STREAM"], var.invoke_mode)
    error_message = "invoke_mode must be BUFFERED or RESPONSE_STREAM."
  }
}

variable "log_retention_days" {
  description = "Days that the function's log is kept; 0 keeps it for ever."
  type        = number
  default     = 30

  validation {
    condition = contains(
      [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days
    )
    error_message = "log_retention_days must be one of CloudWatch's: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "description" {
  description = "Description of the function and of each version. deployer adds the Bento and its models."
  type        = string
  default     = ""

  validation {
    condition     = length(var.description) <= 256
    error_message = "description must be at most 256 characters."
  }
}

variable "tags" {
  description = "Tags of every resource. deployer finds its own by deployer:name."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "AWS takes at most 50 tags."
  }
}

variable "environment" {
  description = "Environment variables of the function."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", key))])
    error_message = "Names in environment must begin with a letter and have two or more letters, digits and underscores."
  }

  validation {
    # length() counts characters; base64 has four for every three bytes.
    condition     = length(base64encode(join("", concat(keys(var.environment), values(var.environment))))) <= ceil(4096 / 3) * 4
    error_message = "Lambda takes at most 4 KB of environment variables, names and values together."
  }
}

variable "owns_repository" {
  description = "Whether deployer made the ECR repository: who reads its images and which go is then this template's."
  type        = bool
  default     = true
}

variable "endpoint" {
  description = "What answers: function_url (up to 15 minutes) or http_api (API Gateway, 30 s)."
  type        = string
  default     = "function_url"

  validation {
    condition     = contains(["function_url", "http_api"], var.endpoint)
    error_message = "endpoint must be function_url or http_api."
  }
}

variable "stage" {
  description = "Stage of the HTTP API; any but $default is the first part of every path."
  type        = string
  default     = "$default"

  validation {
    condition     = can(regex("^([$]default|[A-Za-z0-9_-]{1,128})$", var.stage))
    error_message = "stage must be $default, or 1 to 128 letters, digits, hyphens and underscores."
  }
}

variable "cors" {
  description = "Which pages of other origins may call the endpoint; null for none."
  type = object({
    allow_origins     = list(string)
    allow_methods     = list(string)
    allow_headers     = list(string)
    expose_headers    = list(string)
    max_age           = number
    allow_credentials = bool
  })
  default = null
}

variable "vpc" {
  description = "Where the function's network interfaces are; null for Lambda's own network."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
    ipv6               = bool
  })
  default = null
}

variable "file_system" {
  description = "An EFS access point and the folder below /mnt where the function finds it."
  type = object({
    access_point = string
    path         = string
  })
  default = null
}

variable "dead_letter" {
  description = "ARN of the SQS queue or SNS topic for events that failed; empty for none."
  type        = string
  default     = ""
}

variable "destinations" {
  description = "Who hears of asynchronous invocations of live, how often a failed one is tried again, how long it may wait."
  type = object({
    on_success = string
    on_failure = string
    max_age    = number
    retries    = number
  })
  default = null
}

variable "reserved_concurrency" {
  description = "How many requests may run at once, taken from the account's; null for no limit of its own."
  type        = number
  default     = null
}

variable "provisioned_concurrency" {
  description = "Execution environments of live that are kept started; null for none."
  type        = number
  default     = null
}

variable "snapstart" {
  description = "Whether versions start from a snapshot of their initialised memory."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Whether X-Ray traces requests that nobody else has decided about."
  type        = bool
  default     = false
}

variable "kms_key" {
  description = "ARN of the key that encrypts the function's environment; empty for Lambda's own."
  type        = string
  default     = ""
}

variable "log_format" {
  description = "Text or JSON: how Lambda writes its lines, and the service's."
  type        = string
  default     = "Text"

  validation {
    condition     = contains(["Text", "JSON"], var.log_format)
    error_message = "log_format must be Text or JSON."
  }
}

variable "log_level" {
  description = "The least level of the service's lines that is kept, with log_format JSON; empty for Lambda's default."
  type        = string
  default     = ""
}

variable "system_log_level" {
  description = "The least level of Lambda's own lines that is kept, with log_format JSON; empty for Lambda's default."
  type        = string
  default     = ""
}

variable "role" {
  description = "ARN of an execution role that is there already; empty: one is made."
  type        = string
  default     = ""
}

variable "permission_boundary" {
  description = "ARN of the policy that bounds the role that is made; empty for none."
  type        = string
  default     = ""
}

variable "secrets" {
  description = "References of the secrets that the function resolves: ssm:PARAMETER, secretsmanager:SECRET[#KEY]."
  type        = list(string)
  default     = []
}

variable "released" {
  description = "Whether the alias live is there, with its URL and permissions: from the first version that passed its test on."
  type        = bool
  default     = true
}

variable "planning" {
  description = "True while deployer plans what it would do with an image that is not made yet."
  type        = bool
  default     = false
}

variable "destroying" {
  description = "True while deployer destroys. By hand: terraform destroy -var destroying=true"
  type        = bool
  default     = false
}
