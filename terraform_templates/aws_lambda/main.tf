# One Lambda function from one image: published as a version, tested as `candidate`, reached through the alias `live`
# and its Function URL.

locals {
  repository_uri    = split(":", var.image_tag)[0]
  function_url_auth = { iam = "AWS_IAM", none = "NONE" }
  streams           = var.invoke_mode == "RESPONSE_STREAM"
  is_public         = var.released && var.auth == "none"
}

# --- the image: pushed before terraform runs, deployed by digest because Lambda never follows a tag ---

# The plan fails here when the image is not in the repository. Nothing refers to this lookup. It is left out while
# destroying, since what is deployed can be destroyed after its image is gone, and by `deployer plan`, before the image
# is made.
data "aws_ecr_image" "this" {
  count = var.destroying || var.planning ? 0 : 1

  repository_name = var.repository_name
  image_digest    = var.image_digest
}

# --- what the function may do: write its own log, nothing else ---

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  # Roles are global in an account: the region keeps two deployments of one name apart.
  name = "${var.name}-${var.region}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    }]
  })
}

# --- the function: any change of image, settings or environment publishes the next version ---

resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  package_type  = "Image"
  image_uri     = "${local.repository_uri}@${var.image_digest}"
  architectures = [var.architecture]
  publish       = true
  timeout       = var.timeout
  memory_size   = var.memory_size

  # The image's own command, said again: left out, a plan can show a difference where there is none. A function that
  # streams its responses runs deployer's runtime in the place of AWS's.
  image_config {
    entry_point = local.streams ? ["python3", "-m", "deployer_runtime.streaming"] : []
    command     = local.streams ? [] : ["deployer_runtime.handler.handle"]
  }

  ephemeral_storage {
    size = var.ephemeral_storage
  }

  dynamic "environment" {
    for_each = length(var.environment) == 0 ? [] : [var.environment]

    content {
      variables = environment.value
    }
  }

  # Lambda makes the log group itself at the first request, without retention, unless it is there.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.log]
}

# --- the candidate: the newest version, tested through a private URL of its own before it gets any traffic ---

resource "aws_lambda_alias" "candidate" {
  name             = "candidate"
  description      = "The newest version, which is tested before it answers requests."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_function_url" "candidate" {
  function_name      = aws_lambda_function.this.function_name
  qualifier          = aws_lambda_alias.candidate.name
  authorization_type = "AWS_IAM"
  invoke_mode        = var.invoke_mode
}

# --- traffic: made when the first version has passed its test, so that nothing answers the public before ---

# From then on `deployer up` and `deployer rollback` move it, each with one UpdateAlias: terraform leaves alone which
# versions it stands for, and its description, which says what it stood for before.
resource "aws_lambda_alias" "live" {
  count = var.released ? 1 : 0

  name             = "live"
  description      = "The version that answers requests."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  lifecycle {
    ignore_changes = [function_version, routing_config, description]
  }
}

resource "aws_lambda_function_url" "live" {
  count = var.released ? 1 : 0

  function_name      = aws_lambda_function.this.function_name
  qualifier          = aws_lambda_alias.live[0].name
  authorization_type = local.function_url_auth[var.auth]
  invoke_mode        = var.invoke_mode

  # The last of all: a URL that is there can be asked.
  depends_on = [aws_lambda_permission.public_url, aws_lambda_permission.public_invoke]
}

# A public URL needs both permissions. Their statement ids differ from FunctionURLAllow..., which the provider adds by
# itself to a public URL and does not track; these two go when `auth` becomes iam.
resource "aws_lambda_permission" "public_url" {
  count = local.is_public ? 1 : 0

  statement_id           = "PublicUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this.function_name
  qualifier              = aws_lambda_alias.live[0].name
  principal              = "*"
  function_url_auth_type = "NONE"
}

# Provider 5 cannot narrow this one to requests through the URL; later releases of 6 can (invoked_via_function_url).
resource "aws_lambda_permission" "public_invoke" {
  count = local.is_public ? 1 : 0

  statement_id  = "PublicInvoke"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live[0].name
  principal     = "*"
}
