# What deployer reads back. Keep these four when you change the template.

output "endpoint" {
  description = "Base URL of the deployment, with exactly one slash at its end."
  value       = "${trimsuffix(aws_lambda_function_url.live.function_url, "/")}/"
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
  description = "Published version that the alias live points to."
  value       = aws_lambda_alias.live.function_version
}
