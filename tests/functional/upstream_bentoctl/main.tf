# The kind of deployment that bentoctl 0.4 and its operator aws-lambda made: a function from an image in a repository
# that terraform does not know, asked as $LATEST by an open HTTP API. Written for this test.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "deployment_name" {
  type = string
}

variable "image_repository" {
  type = string
}

variable "image_version" {
  type = string
}

variable "region" {
  type = string
}

variable "greeting" {
  type = string
}

variable "policy_arn" {
  type = string
}

variable "handler" {
  type = string
}

data "aws_ecr_repository" "images" {
  name = var.image_repository
}

data "aws_ecr_image" "image" {
  repository_name = data.aws_ecr_repository.images.name
  image_tag       = var.image_version
}

resource "aws_iam_role" "execution" {
  name = "${var.deployment_name}-iam"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "log" {
  role       = aws_iam_role.execution.name
  policy_arn = var.policy_arn
}

resource "aws_lambda_function" "fn" {
  function_name = "${var.deployment_name}-function"
  role          = aws_iam_role.execution.arn
  package_type  = "Image"
  image_uri     = "${data.aws_ecr_repository.images.repository_url}@${data.aws_ecr_image.image.id}"
  timeout       = 60
  memory_size   = 512

  image_config {
    command     = [var.handler]
    entry_point = []
  }

  environment {
    variables = { GREETING = var.greeting }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${aws_lambda_function.fn.function_name}"
  retention_in_days = 30
}

resource "aws_apigatewayv2_api" "gateway" {
  name          = "${var.deployment_name}-gw"
  protocol_type = "HTTP"
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/api_gw/${aws_apigatewayv2_api.gateway.name}"
  retention_in_days = 30
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.gateway.id
  name        = "$default"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode({ id = "$context.requestId", status = "$context.status" })
  }
}

resource "aws_apigatewayv2_integration" "function" {
  api_id             = aws_apigatewayv2_api.gateway.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = aws_lambda_function.fn.invoke_arn
}

resource "aws_apigatewayv2_route" "page" {
  api_id    = aws_apigatewayv2_api.gateway.id
  route_key = "ANY /"
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

resource "aws_apigatewayv2_route" "routes" {
  api_id    = aws_apigatewayv2_api.gateway.id
  route_key = "POST /{proxy+}"
  target    = "integrations/${aws_apigatewayv2_integration.function.id}"
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "AllowExecutionFromAPIGateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.fn.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.gateway.execution_arn}/*/*"
}

output "base_url" {
  value = aws_apigatewayv2_stage.default.invoke_url
}
