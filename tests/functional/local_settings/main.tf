# Every setting of a function and its surroundings that the local AWS is to keep as AWS does, once.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "image" { type = string }
variable "snapped_image" { type = string }

locals {
  origins = ["https://app.example.com"]
  arn     = "us-east-1:123456789012"
}

resource "aws_ecr_repository" "this" {
  name                 = "settings/more"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_repository_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LambdaReads"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Condition = { StringLike = { "aws:sourceArn" = "arn:aws:lambda:${local.arn}:function:*" } }
    }]
  })
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/settings"
  retention_in_days = 7
}

resource "aws_iam_role" "this" {
  name                 = "settings"
  permissions_boundary = "arn:aws:iam::123456789012:policy/edge"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_lambda_function" "this" {
  function_name                  = "settings"
  role                           = aws_iam_role.this.arn
  package_type                   = "Image"
  image_uri                      = var.image
  architectures                  = ["arm64"]
  publish                        = true
  reserved_concurrent_executions = 5
  kms_key_arn                    = "arn:aws:kms:${local.arn}:key/11111111-2222-3333-4444-555555555555"

  image_config {
    command = ["app.handle"]
  }

  environment {
    variables = { GREETING = "hello" }
  }

  tracing_config {
    mode = "Active"
  }

  dead_letter_config {
    target_arn = "arn:aws:sqs:${local.arn}:lost"
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = "DEBUG"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.this.name
  }

  vpc_config {
    subnet_ids                  = ["subnet-0a", "subnet-0b"]
    security_group_ids          = ["sg-0a"]
    ipv6_allowed_for_dual_stack = true
  }

  file_system_config {
    arn              = "arn:aws:elasticfilesystem:${local.arn}:access-point/fsap-0123456789abcdef0"
    local_mount_path = "/mnt/models"
  }
}

resource "aws_lambda_function" "snapped" {
  function_name = "snapped"
  role          = aws_iam_role.this.arn
  package_type  = "Image"
  image_uri     = var.snapped_image
  publish       = true

  image_config {
    command = ["app.handle"]
  }

  snap_start {
    apply_on = "PublishedVersions"
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = 2
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0

  destination_config {
    on_failure {
      destination = "arn:aws:sqs:${local.arn}:failed"
    }

    on_success {
      destination = "arn:aws:sns:${local.arn}:done"
    }
  }
}

resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.this.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "AWS_IAM"

  cors {
    allow_origins     = local.origins
    allow_methods     = ["POST"]
    allow_headers     = ["content-type"]
    expose_headers    = ["x-trace"]
    max_age           = 600
    allow_credentials = true
  }
}

resource "aws_apigatewayv2_api" "live" {
  name          = "settings"
  protocol_type = "HTTP"

  cors_configuration {
    allow_origins = local.origins
    allow_methods = ["GET", "POST"]
    allow_headers = ["content-type"]
    max_age       = 600
  }
}

resource "aws_apigatewayv2_integration" "live" {
  api_id                 = aws_apigatewayv2_api.live.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "live" {
  for_each = { "$default" = "NONE", "POST /private" = "AWS_IAM" }

  api_id             = aws_apigatewayv2_api.live.id
  route_key          = each.key
  authorization_type = each.value
  target             = "integrations/${aws_apigatewayv2_integration.live.id}"
}

resource "aws_apigatewayv2_stage" "live" {
  api_id      = aws_apigatewayv2_api.live.id
  name        = "v1"
  auto_deploy = true
  tags        = { "deployer:name" = "settings" }
}

resource "aws_lambda_permission" "http_api" {
  statement_id  = "HttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.live.execution_arn}/*/$default"
}

output "endpoint" {
  value = "${aws_apigatewayv2_api.live.api_endpoint}/${aws_apigatewayv2_stage.live.name}"
}
