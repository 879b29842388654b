# Anybody may invoke the function, through its public URL alone. Providers say this from 6.29 on; deployer copies this
# file beside the others where `terraform providers schema` knows invoked_via_function_url.
resource "aws_lambda_permission" "public_invoke" {
  count = local.is_public ? 1 : 0

  statement_id             = "PublicInvoke"
  action                   = "lambda:InvokeFunction"
  function_name            = aws_lambda_function.this.function_name
  qualifier                = aws_lambda_alias.live[0].name
  principal                = "*"
  invoked_via_function_url = true
}
