# The execution role: what the function may do, and nothing else. With `role` the user's own stands for it.

locals {
  makes_role = var.role == ""

  # An SQS queue, an SNS topic, a function or an EventBridge bus, each with the action that sends to it.
  send_actions = {
    sqs    = "sqs:SendMessage"
    sns    = "sns:Publish"
    lambda = "lambda:InvokeFunction"
    events = "events:PutEvents"
  }
  destinations = var.destinations == null ? [] : [var.destinations.on_success, var.destinations.on_failure]
  told         = distinct([for arn in concat([var.dead_letter], local.destinations) : arn if arn != ""])

  # `ssm:/digits/password`, `secretsmanager:digits/api#key`: Secrets Manager adds six characters to a secret's name.
  secret_names   = [for reference in var.secrets : split("#", substr(reference, length("secretsmanager:"), -1))[0] if startswith(reference, "secretsmanager:")]
  secret_arns    = [for name in distinct(local.secret_names) : startswith(name, "arn:") ? name : "arn:${local.partition}:secretsmanager:${var.region}:${local.account}:secret:${name}-??????"]
  parameters     = [for reference in var.secrets : trimprefix(substr(reference, length("ssm:"), -1), "/") if startswith(reference, "ssm:")]
  parameter_arns = [for name in distinct(local.parameters) : "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/${name}"]

  # A key of the user's own may encrypt them: it decrypts these, through their services, and nothing else.
  secret_keys = {
    "kms:EncryptionContext:SecretARN"     = { service = "secretsmanager", arns = local.secret_arns }
    "kms:EncryptionContext:PARAMETER_ARN" = { service = "ssm", arns = local.parameter_arns }
  }

  statements = concat(
    [for arn in local.told : { Effect = "Allow", Action = [local.send_actions[split(":", arn)[2]]], Resource = [arn] }],
    length(local.secret_arns) == 0 ? [] : [{
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.secret_arns
    }],
    length(local.parameters) == 0 ? [] : [{
      Effect   = "Allow"
      Action   = ["ssm:GetParameters"]
      Resource = local.parameter_arns
    }],
    [for context, of in local.secret_keys : {
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = ["arn:${local.partition}:kms:${var.region}:${local.account}:key/*"]
      Condition = {
        StringEquals = { "kms:ViaService" = "${of.service}.${var.region}.amazonaws.com" }
        StringLike   = { (context) = of.arns }
      }
    } if length(of.arns) > 0],
    var.kms_key == "" ? [] : [{ Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.kms_key] }],
    var.file_system == null ? [] : [{
      Effect   = "Allow"
      Action   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      Resource = ["*"]
      Condition = {
        StringEquals = { "elasticfilesystem:AccessPointArn" = var.file_system.access_point }
      }
    }],
    # None of these can be narrowed to a resource.
    var.vpc == null ? [] : [{
      Effect = "Allow"
      Action = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = ["*"]
    }],
    !var.tracing ? [] : [{
      Effect   = "Allow"
      Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      Resource = ["*"]
    }],
  )
}

resource "aws_iam_role" "this" {
  count = local.makes_role ? 1 : 0

  # Roles are global in an account: the region keeps two deployments of one name apart.
  name                 = "${var.name}-${var.region}"
  permissions_boundary = var.permission_boundary == "" ? null : var.permission_boundary

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
  count = local.makes_role ? 1 : 0

  name = "log"
  role = aws_iam_role.this[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    }]
  })
}

# What it needs beside its log for the settings that it has: secrets, network, file system, destinations.
resource "aws_iam_role_policy" "reach" {
  count = local.makes_role && length(local.statements) > 0 ? 1 : 0

  name   = "reach"
  role   = aws_iam_role.this[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}
