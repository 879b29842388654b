# What deployer reads back. Keep these when you change the template: all but candidate_endpoint, without which a new
# version gets its traffic before its test. The two endpoints are base URLs with exactly one slash at their end.

output "endpoint" {
  description = "Base URL of the deployment; empty until a first version is released."
  value = (
    local.uses_url ? "${trimsuffix(aws_lambda_function_url.live[0].function_url, "/")}/" :
    local.uses_api ? "${trimsuffix(aws_apigatewayv2_api.live[0].api_endpoint, "/")}/${local.stage_path}" : ""
  )
}

output "candidate_endpoint" {
  description = "Base URL of the newest version, for signed requests."
  value       = "${trimsuffix(aws_lambda_function_url.candidate.function_url, "/")}/"
}

output "function_name" {
  description = "Name of the Lambda function."
  value       = aws_lambda_function.this.function_name
}

output "image_tag" {
  description = "Repository and tag of the deployed image."
  value       = var.image_tag
}

output "version" {
  description = "Newest published version, which the alias candidate points to."
  value       = aws_lambda_function.this.version
}
