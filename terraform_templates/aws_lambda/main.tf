# One Lambda function from one image: published as a version, tested as `candidate`, reached through the alias `live`
# (traffic.tf) and its Function URL or HTTP API.

locals {
  repository_uri = split(":", var.image_tag)[0]
  account        = data.aws_caller_identity.this.account_id
  partition      = data.aws_partition.this.partition
  role_arn       = var.role == "" ? aws_iam_role.this[0].arn : var.role
  streams        = var.invoke_mode == "RESPONSE_STREAM"
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

# --- the image: pushed before terraform runs, deployed by digest because Lambda never follows a tag ---

# The plan fails here when the image is not in the repository. Nothing refers to this lookup. It is left out while
# destroying, since what is deployed can be destroyed after its image is gone, and by `deployer plan`, before the image
# is made.
data "aws_ecr_image" "this" {
  count = var.destroying || var.planning ? 0 : 1

  repository_name = var.repository_name
  image_digest    = var.image_digest
}

# Lambda may read the images. Where a repository has no such policy Lambda writes one itself, which the next change of
# the policy by anybody takes away.
resource "aws_ecr_repository_policy" "this" {
  count = var.owns_repository ? 1 : 0

  repository = var.repository_name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaECRImageRetrievalPolicy"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Condition = {
        StringLike = { "aws:sourceArn" = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:*" }
      }
    }]
  })
}

# Images with a tag are taken away by `deployer prune` alone, which knows the versions that a rollback may want.
resource "aws_ecr_lifecycle_policy" "this" {
  count = var.owns_repository ? 1 : 0

  repository = var.repository_name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Images without a tag, which a push that was cut off leaves"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

# --- the log, there before the function: Lambda would make it at the first request, without retention ---

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

# --- the function: any change of image, settings or environment publishes the next version ---

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = local.role_arn
  package_type  = "Image"
  image_uri     = "${local.repository_uri}@${var.image_digest}"
  architectures = [var.architecture]
  publish       = true
  timeout       = var.timeout
  memory_size   = var.memory_size
  kms_key_arn   = var.kms_key == "" ? null : var.kms_key

  # -1: as many at once as the account has left.
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency

  # The image's own command, said again: left out, a plan can show a difference where there is none. A function that
  # streams its responses runs deployer's runtime in the place of AWS's.
  image_config {
    entry_point = local.streams ? ["python3", "-m", "deployer_runtime.streaming"] : []
    command     = local.streams ? [] : ["deployer_runtime.handler.handle"]
  }

  ephemeral_storage {
    size = var.ephemeral_storage
  }

  # Said also where it is Lambda's default: left out, the provider would leave what was there before.
  logging_config {
    log_group             = aws_cloudwatch_log_group.this.name
    log_format            = var.log_format
    application_log_level = var.log_format == "JSON" ? coalesce(var.log_level, "INFO") : null
    system_log_level      = var.log_format == "JSON" ? coalesce(var.system_log_level, "INFO") : null
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  dynamic "environment" {
    for_each = length(var.environment) == 0 ? [] : [var.environment]

    content {
      variables = environment.value
    }
  }

  dynamic "snap_start" {
    for_each = var.snapstart ? [true] : []

    content {
      apply_on = "PublishedVersions"
    }
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]

    content {
      subnet_ids                  = vpc_config.value.subnet_ids
      security_group_ids          = vpc_config.value.security_group_ids
      ipv6_allowed_for_dual_stack = vpc_config.value.ipv6
    }
  }

  dynamic "file_system_config" {
    for_each = var.file_system == null ? [] : [var.file_system]

    content {
      arn              = file_system_config.value.access_point
      local_mount_path = file_system_config.value.path
    }
  }

  dynamic "dead_letter_config" {
    for_each = var.dead_letter == "" ? [] : [var.dead_letter]

    content {
      target_arn = dead_letter_config.value
    }
  }

  # Lambda checks what the role may do when the function is made.
  depends_on = [aws_iam_role_policy.log, aws_iam_role_policy.reach, aws_ecr_repository_policy.this]
}
