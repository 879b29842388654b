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
  secret_arns    = [for name in distinct(local.secret_names) : length(split(":", name)) > 5 ? name : "arn:${local.partition}:secretsmanager:${var.region}:${local.account}:secret:${name}-??????"]
  parameters     = [for reference in var.secrets : trimprefix(substr(reference, length("ssm:"), -1), "/") if startswith(reference, "ssm:")]
  parameter_arns = [for name in distinct(local.parameters) : "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter/${name}"]

  # Keys of the user's own may encrypt them, and queues and topics (a bus uses rights of its own). Such a key is where the
  # thing is, a secret maybe in another region, and is used through its service alone. In partitions with another suffix
  # KMS may know a service by either.
  suffixes = distinct([data.aws_partition.this.dns_suffix, "amazonaws.com"])
  encrypted = {
    told                                  = [for arn in local.told : arn if contains(["sqs", "sns"], split(":", arn)[2])]
    "kms:EncryptionContext:SecretARN"     = local.secret_arns
    "kms:EncryptionContext:PARAMETER_ARN" = local.parameter_arns
  }
  keys    = { for what, arns in local.encrypted : what => distinct([for arn in arns : "arn:${local.partition}:kms:${split(":", arn)[3]}:${split(":", arn)[4]}:key/*"]) }
  through = { for what, arns in local.encrypted : what => distinct(flatten([for arn in arns : [for suffix in local.suffixes : "${split(":", arn)[2]}.${split(":", arn)[3]}.${suffix}"]])) }

  statements = concat(
    [for arn in local.told : { Effect = "Allow", Action = [local.send_actions[split(":", arn)[2]]], Resource = [arn] }],
    length(local.encrypted.told) == 0 ? [] : [{
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = local.keys.told
      Condition = { StringEquals = { "kms:ViaService" = local.through.told } }
    }],
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
    [for context, arns in local.encrypted : {
      Effect   = "Allow"
      Action   = ["kms:Decrypt"]
      Resource = local.keys[context]
      Condition = {
        StringEquals = { "kms:ViaService" = local.through[context] }
        StringLike   = { (context) = arns }
      }
    } if context != "told" && length(arns) > 0],
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
