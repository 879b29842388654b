# Who is asked: the alias `candidate` and its URL, the alias `live` and its Function URL or HTTP API.

locals {
  uses_url         = var.released && var.endpoint == "function_url"
  uses_api         = var.released && var.endpoint == "http_api"
  is_public        = local.uses_url && var.auth == "none"
  auth_types       = { iam = "AWS_IAM", none = "NONE" } # both services call them so
  stage_path       = var.stage == "$default" ? "" : "${var.stage}/"
  api_milliseconds = 30000 # an HTTP API waits no longer for its integration
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
  count = local.uses_url ? 1 : 0

  function_name      = aws_lambda_function.this.function_name
  qualifier          = aws_lambda_alias.live[0].name
  authorization_type = local.auth_types[var.auth]
  invoke_mode        = var.invoke_mode

  dynamic "cors" {
    for_each = var.cors == null ? [] : [var.cors]

    content {
      allow_origins     = cors.value.allow_origins
      allow_methods     = cors.value.allow_methods
      allow_headers     = cors.value.allow_headers
      expose_headers    = cors.value.expose_headers
      max_age           = cors.value.max_age
      allow_credentials = cors.value.allow_credentials
    }
  }

  # The last of all: a URL that is there can be asked.
  depends_on = [aws_lambda_permission.public_url]
}

# A public URL needs this permission and the one to invoke the function through a URL. The latter is in
# newer_provider/public_invoke.tf for providers that can say it; with an older one deployer asks Lambda for it. Both
# have other statement ids than FunctionURLAllow..., which the provider adds by itself to a public URL and does not track.
resource "aws_lambda_permission" "public_url" {
  count = local.is_public ? 1 : 0

  statement_id           = "PublicUrl"
  action                 = "lambda:InvokeFunctionUrl"
  function_name          = aws_lambda_function.this.function_name
  qualifier              = aws_lambda_alias.live[0].name
  principal              = "*"
  function_url_auth_type = "NONE"
}

# --- an HTTP API in the place of the URL ---

resource "aws_apigatewayv2_api" "live" {
  count = local.uses_api ? 1 : 0

  name          = var.name
  protocol_type = "HTTP"

  dynamic "cors_configuration" {
    for_each = var.cors == null ? [] : [var.cors]

    content {
      allow_origins     = cors_configuration.value.allow_origins
      allow_methods     = cors_configuration.value.allow_methods
      allow_headers     = cors_configuration.value.allow_headers
      expose_headers    = cors_configuration.value.expose_headers
      max_age           = cors_configuration.value.max_age
      allow_credentials = cors_configuration.value.allow_credentials
    }
  }
}

resource "aws_apigatewayv2_integration" "live" {
  count = local.uses_api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.live[0].id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live[0].invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = min(var.timeout * 1000, local.api_milliseconds)
}

resource "aws_lambda_permission" "http_api" {
  count = local.uses_api ? 1 : 0

  statement_id  = "HttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live[0].name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.live[0].execution_arn}/*/*"
}

resource "aws_apigatewayv2_route" "live" {
  count = local.uses_api ? 1 : 0

  api_id             = aws_apigatewayv2_api.live[0].id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.live[0].id}"
  authorization_type = local.auth_types[var.auth]
}

# A browser asks without a signature whether a page may call. API Gateway answers that by itself, unless the only route
# that fits asks for a signature.
resource "aws_apigatewayv2_route" "preflight" {
  for_each = toset(local.uses_api && var.cors != null && var.auth == "iam" ? ["OPTIONS /", "OPTIONS /{proxy+}"] : [])

  api_id    = aws_apigatewayv2_api.live[0].id
  route_key = each.value
  target    = "integrations/${aws_apigatewayv2_integration.live[0].id}"
}

# The last of the API: without a stage it answers nobody.
resource "aws_apigatewayv2_stage" "live" {
  count = local.uses_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.live[0].id
  name        = var.stage
  auto_deploy = true

  depends_on = [aws_apigatewayv2_route.live, aws_apigatewayv2_route.preflight, aws_lambda_permission.http_api]
}

# --- settings of `live`, whichever version it stands for ---

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.released && var.provisioned_concurrency != null ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live[0].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_lambda_function_event_invoke_config" "live" {
  count = var.released && var.destinations != null ? 1 : 0

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.live[0].name
  maximum_event_age_in_seconds = var.destinations.max_age
  maximum_retry_attempts       = var.destinations.retries

  dynamic "destination_config" {
    for_each = length(local.destinations) == 0 || join("", local.destinations) == "" ? [] : [var.destinations]

    content {
      dynamic "on_success" {
        for_each = destination_config.value.on_success == "" ? [] : [destination_config.value.on_success]

        content {
          destination = on_success.value
        }
      }

      dynamic "on_failure" {
        for_each = destination_config.value.on_failure == "" ? [] : [destination_config.value.on_failure]

        content {
          destination = on_failure.value
        }
      }
    }
  }

  # Lambda checks that the role may send there.
  depends_on = [aws_iam_role_policy.reach]
}
